"""Expire claims."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.notifications.delivery import DeliveryState
from core.notifications.ports import NewNotificationsWork

MAX_CLAIMS_PER_TRANSACTION = 100


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ExpireClaims:
    """Mark deliveries of expired claims as unknown: the vendor may have accepted them before their process died."""

    new_work: NewNotificationsWork
    clock: Clock

    async def __call__(self) -> int:
        """Return the number of expired claims."""
        async with self.new_work() as work:
            expired_claims = await work.deliveries.expired_claims(self.clock.now(), MAX_CLAIMS_PER_TRANSACTION)
            for delivery in expired_claims:
                delivery.settle(DeliveryState.UNKNOWN, "the process that claimed it did not store an outcome in time")
            await work.deliveries.save(expired_claims)
            await work.commit()
        return len(expired_claims)
