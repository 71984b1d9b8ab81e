"""Add up postings."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.ledger.ports import PostingSums

POSTINGS_PER_RUN = 5_000


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class AddUpPostings:
    """Add new postings to the sums of their accounts, so that a balance reads few rows."""

    sums: PostingSums

    async def __call__(self) -> int:
        """Return how many postings were added."""
        added = 0
        while (some := await self.sums.add_up(POSTINGS_PER_RUN)) == POSTINGS_PER_RUN:
            added += some
        return added + some
