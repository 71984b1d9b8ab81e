"""Show a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.errors import NotFound
from core.ledger.ports import Balances, FeeOwners
from core.ledger.transaction import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Statement:
    """The transactions about one submission, the oldest first."""

    about: UUID
    transactions: Sequence[LedgerTransaction]


class UnknownStatement(NotFound):
    """There is no statement of this submission."""

    problem = "unknown-statement"


@requires(Permission.SUBMISSIONS_READ)
@dataclass(frozen=True, slots=True)
class ShowStatement:
    """Show what was posted about a submission."""

    balances: Balances
    fee_owners: FeeOwners

    async def __call__(self, about: UUID) -> Statement:
        """Return the statement, empty where nothing was posted; raise `UnknownStatement` outside the own reach."""
        if (principal := current_principal.get()).is_scoped:
            owner = await self.fee_owners.find(about)
            if owner is None or not principal.reaches(*owner):
                raise UnknownStatement(f"there is no statement of the submission {about}")
        return Statement(about, await self.balances.statement(about))
