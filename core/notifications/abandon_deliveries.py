"""Own up to deliveries whose sender never came back."""

from dataclasses import dataclass

from core.notifications.delivery import DeliveryState
from core.notifications.ports import NewNotificationsWork
from core.shared.clock import Clock

BATCH = 100


@dataclass(frozen=True, slots=True)
class AbandonDeliveries:
    """Mark as unknown what was being sent when its process died: the vendor may have taken it."""

    new_work: NewNotificationsWork
    clock: Clock

    async def __call__(self) -> int:
        """Return how many were marked."""
        async with self.new_work() as work:
            abandoned = await work.deliveries.abandoned(self.clock.now(), BATCH)
            for delivery in abandoned:
                delivery.settle(DeliveryState.UNKNOWN, "the process that was sending it did not come back")
            await work.deliveries.save(abandoned)
            await work.commit()
        return len(abandoned)
