"""Post transactions."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.ledger.ports import NewLedgerUnitOfWork
from core.ledger.transaction import LedgerTransaction, PostedDifferently


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class PostTransactions:
    """Store transactions; a fact that is posted already is not posted again."""

    new_work: NewLedgerUnitOfWork

    async def __call__(self, transactions: Sequence[LedgerTransaction]) -> int:
        """Return how many were new; raise `PostedDifferently` for a fact with other postings than the stored ones."""
        async with self.new_work() as work:
            known = dict(await work.transactions.find({each.key for each in transactions}))
            before = len(known)
            for each in transactions:
                if known.setdefault(each.key, each) != each:
                    raise PostedDifferently(f"the {each.kind} of {each.cause} is posted with other postings or times")
            new = list(known.values())[before:]
            for each in new:
                work.transactions.add(each)
            await work.commit()
        return len(new)
