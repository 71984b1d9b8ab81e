"""Expire deliveries."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.notifications.ports import NewNotificationsWork

MAX_DELIVERIES_PER_TRANSACTION = 500


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ExpireDeliveries:
    """Give up pending deliveries whose message became worthless before a vendor accepted it."""

    new_work: NewNotificationsWork
    clock: Clock

    async def __call__(self) -> int:
        """Return the number of expired deliveries."""
        total = 0
        while count := await self._expire_some():
            total += count
            if count < MAX_DELIVERIES_PER_TRANSACTION:
                break
        return total

    async def _expire_some(self) -> int:
        now = self.clock.now()
        async with self.new_work() as work:
            worthless = await work.expiring_deliveries.due(now, MAX_DELIVERIES_PER_TRANSACTION)
            for delivery in worthless:
                delivery.expire(now)
            await work.deliveries.save(worthless)
            await work.commit()
        return len(worthless)
