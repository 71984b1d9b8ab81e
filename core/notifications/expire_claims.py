"""Own up to deliveries whose sender never came back."""

from dataclasses import dataclass

from core.kernel.clock import Clock
from core.notifications.delivery import DeliveryState
from core.notifications.ports import NewNotificationsWork

MAX_CLAIMS_PER_TRANSACTION = 100


@dataclass(frozen=True, slots=True)
class ExpireClaims:
    """Mark as unknown what was being sent when its process died: the vendor may have taken it."""

    new_work: NewNotificationsWork
    clock: Clock

    async def __call__(self) -> int:
        """Return how many were marked."""
        async with self.new_work() as work:
            expired_claims = await work.deliveries.expired_claims(self.clock.now(), MAX_CLAIMS_PER_TRANSACTION)
            for delivery in expired_claims:
                delivery.settle(DeliveryState.UNKNOWN, "the process that was sending it did not come back")
            await work.deliveries.save(expired_claims)
            await work.commit()
        return len(expired_claims)
