"""The ports of the identity context."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from core.identity.account import Account, AccountId
from core.identity.identity_link_ports import IdentityLinks, PendingSignIns
from core.identity.session_ports import Passwords, Sessions, SigningKeys
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork


class Accounts(Protocol):
    """The repository of accounts."""

    @abstractmethod
    async def find(self, account: AccountId) -> Account | None:
        """Return an account."""

    @abstractmethod
    async def lock(self, account: AccountId) -> Account | None:
        """Return an account; others wait to change it."""

    @abstractmethod
    def add(self, account: Account) -> None:
        """Add an account."""

    @abstractmethod
    def replace(self, account: Account) -> None:
        """Replace a locked account."""


class AccountList(Protocol):
    """Reads accounts outside of transactions."""

    @abstractmethod
    async def page(self, after: AccountId | None, limit: int) -> Sequence[Account]:
        """Return up to `limit` accounts behind one, the oldest first."""


class IdentityUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over accounts, their credentials and their sessions."""

    accounts: Accounts
    passwords: Passwords
    sessions: Sessions
    signing_keys: SigningKeys
    identity_links: IdentityLinks
    pending_sign_ins: PendingSignIns


NewIdentityUnitOfWork = NewUnitOfWork[IdentityUnitOfWork]
