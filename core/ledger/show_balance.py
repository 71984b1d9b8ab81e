"""Show a balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.ledger.account import LedgerAccount
from core.ledger.ports import Balances


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What an account has, in each currency; debits less credits, so an income is negative."""

    account: str
    balances: Sequence[Money]


@requires(Permission.LEDGER_READ)
@dataclass(frozen=True, slots=True)
class ShowBalance:
    """Show the balance of an account, now or as of a moment."""

    balances: Balances

    async def __call__(self, account: str, as_of: datetime | None = None) -> AccountBalance:
        """Return the balances, none for an account without postings; raise `Invalid` for what is no account."""
        which = LedgerAccount.parse(account)
        found = await (self.balances.of(which) if as_of is None else self.balances.as_of(which, as_of))
        return AccountBalance(str(which), found)
