"""The ports of the identity context."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.identity.account import Account, AccountId
from core.identity.api_key import ApiKey, ApiKeySummary, OwnedApiKey
from core.identity.credential import ApiKeyId
from core.identity.identity_link_ports import IdentityLinks, PendingSignIns
from core.identity.one_time_secret_ports import EnrolledStudents, OneTimeSecrets
from core.identity.second_factor_ports import SecondFactors
from core.identity.session_ports import Passwords, RefreshableSessions, Sessions, SigningKeys
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
        """Add an account; the commit raises `StudentHasAccount` if its student has one."""

    @abstractmethod
    def replace(self, account: Account) -> None:
        """Replace a locked account; every process learns it within a second."""


class AccountList(Protocol):
    """Reads accounts outside of transactions."""

    @abstractmethod
    async def page(self, after: AccountId | None, limit: int) -> Sequence[Account]:
        """Return up to `limit` accounts behind one, the oldest first."""


class ApiKeys(Protocol):
    """The repository of API keys."""

    @abstractmethod
    async def lock(self, key: ApiKeyId) -> ApiKey | None:
        """Return a key; others wait to change it."""

    @abstractmethod
    def add(self, key: ApiKey) -> None:
        """Add a key."""

    @abstractmethod
    def replace(self, key: ApiKey) -> None:
        """Replace a locked key; every process learns it within a second."""


class ApiKeyList(Protocol):
    """Reads API keys for people."""

    @abstractmethod
    async def page(self, account: UUID | None, after: ApiKeyId | None, limit: int) -> Sequence[ApiKeySummary]:
        """Return up to `limit` keys, of one account or of all, behind one; the oldest first."""


class IssuedApiKeys(Protocol):
    """What the verification of API keys reads and writes outside of transactions."""

    @abstractmethod
    async def revision(self) -> int:
        """Return a number that every committed `replace` of an account or a key changes."""

    @abstractmethod
    async def find(self, key: ApiKeyId) -> OwnedApiKey | None:
        """Return a key with its account, as they are committed now."""

    @abstractmethod
    async def record_use(self, key: ApiKeyId, at: datetime) -> None:
        """Record a use, unless a later one is on record."""


class IdentityUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over accounts, their credentials and their sessions."""

    accounts: Accounts
    passwords: Passwords
    second_factors: SecondFactors
    sessions: Sessions
    refreshable_sessions: RefreshableSessions
    signing_keys: SigningKeys
    api_keys: ApiKeys
    identity_links: IdentityLinks
    pending_sign_ins: PendingSignIns
    one_time_secrets: OneTimeSecrets
    enrolled_students: EnrolledStudents


NewIdentityUnitOfWork = NewUnitOfWork[IdentityUnitOfWork]
