"""Fine overdue fees."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.ports import NewPaymentsUnitOfWork, OverdueFees

FEES_PER_TRANSACTION = 100


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class FineOverdueFees:
    """Charge the fines that became due: each rule once a day, however many processes do it and whenever one ends."""

    new_work: NewPaymentsUnitOfWork
    overdue: OverdueFees
    clock: Clock

    async def __call__(self) -> int:
        """Return how many fines were charged; a fee that waits for a payment is looked at again by the next run."""
        now, after, fined = self.clock.now(), None, 0
        while found := await self.overdue.page(now, after, FEES_PER_TRANSACTION):
            after = found[-1]
            async with self.new_work() as work:
                # The state under the lock counts: a fee may be paid, or fined by another process, meanwhile.
                for account in (await work.accounts.lock([each.submission for each in found])).values():
                    fined += account.fine(now)
                    work.accounts.save(account)
                    work.record(*account.events)
                await work.commit()
        return fined
