"""Show a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.ledger.ports import Balances
from core.ledger.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Statement:
    """The transactions about one submission, the oldest first."""

    about: UUID
    transactions: Sequence[LedgerTransaction]


@requires(Permission.LEDGER_READ)
@dataclass(frozen=True, slots=True)
class ShowStatement:
    """Show what was posted about a submission."""

    balances: Balances

    async def __call__(self, about: UUID) -> Statement:
        """Return the statement, empty where nothing was posted."""
        return Statement(about, await self.balances.statement(about))
