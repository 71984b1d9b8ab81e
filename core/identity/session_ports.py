"""The ports of passwords, sessions and signing keys."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from core.identity.account import Account
from core.identity.password import Password
from core.identity.session import EndedSession, Session, SessionId
from core.identity.signing_key import SigningKey
from core.identity.tokens import AccessClaims, RefreshToken

Pseudonym: TypeAlias = Callable[[str], str]
"""Returns a digest of a text under a key of this installation: who has no key cannot try texts against it."""


class PasswordHasher(Protocol):
    """Hashes passwords slowly; raises `Invalid` beyond the length limit, `Unavailable` when too many wait."""

    @abstractmethod
    async def hash(self, password: str) -> str:
        """Return the hash with its salt and parameters."""

    @abstractmethod
    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password has this hash; without a usable hash, return False after the same work."""

    @abstractmethod
    def is_outdated(self, stored: str) -> bool:
        """Tell whether a valid hash was computed with other parameters than those of today."""


class AccessTokens(Protocol):
    """Signs and verifies access tokens with the keys of this installation, and with no others."""

    @abstractmethod
    def use(self, keys: Sequence[SigningKey]) -> None:
        """Replace the keys."""

    @abstractmethod
    def issue(self, claims: AccessClaims) -> str:
        """Return the signed token; raise `Unavailable` without a key that signs."""

    @abstractmethod
    def verify(self, token: str) -> AccessClaims:
        """Return the claims; raise `NotAuthenticated` for a token that this installation did not issue, or expired."""


class KeyPairs(Protocol):
    """Creates signing keys whose private half only this installation can read."""

    @abstractmethod
    def create(self, signs_from: datetime) -> SigningKey:
        """Return a new key."""


class RefreshTokens(Protocol):
    """The form of refresh tokens: 256 random bits, marked so that others are refused without a query."""

    @abstractmethod
    def create(self, session: SessionId, generation: int) -> RefreshToken:
        """Return a new token of a session."""

    @abstractmethod
    def read(self, text: str) -> RefreshToken:
        """Return a token that this installation created; raise `NotAuthenticated` for any other text."""

    @abstractmethod
    def seal(self, successor: RefreshToken, predecessor: RefreshToken) -> bytes:
        """Return the successor encrypted under a key that only the text of its predecessor yields."""

    @abstractmethod
    def unseal(self, sealed: bytes, predecessor: RefreshToken) -> RefreshToken:
        """Return the sealed successor."""


class Sessions(Protocol):
    """The repository of sessions."""

    @abstractmethod
    async def lock(self, session: SessionId) -> Session | None:
        """Return a session that others wait to change."""

    @abstractmethod
    async def lock_open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        """Return the sessions of an account that are open at a moment; others wait to change them."""

    @abstractmethod
    def add(self, session: Session) -> None:
        """Add a session."""

    @abstractmethod
    def replace(self, session: Session) -> None:
        """Replace a locked session."""


class OwnedSession(NamedTuple):
    """A session and its account."""

    session: Session
    account: Account


class RefreshableSessions(Protocol):
    """Locks many sessions at once."""

    @abstractmethod
    async def lock(self, wanted: Collection[SessionId], *, wait: bool) -> Mapping[SessionId, OwnedSession]:
        """Return the sessions that exist; others wait to change them.

        Without `wait`, those that another transaction holds are left out.
        """


class SessionViews(Protocol):
    """Reads sessions outside of transactions."""

    @abstractmethod
    async def open_of(self, account: UUID, at: datetime) -> Sequence[Session]:
        """Return the sessions of an account that are open at a moment, the newest first."""

    @abstractmethod
    async def find(self, session: SessionId) -> Session | None:
        """Return a session."""

    @abstractmethod
    async def ended_since(self, at: datetime) -> Collection[EndedSession]:
        """Return what ended at or after a moment."""

    @abstractmethod
    async def signing_keys(self) -> Sequence[SigningKey]:
        """Return the signing keys, the oldest first."""


class Passwords(Protocol):
    """The repository of passwords."""

    @abstractmethod
    async def lock(self, account: UUID) -> Password | None:
        """Return the password of an account; others wait to change it."""

    @abstractmethod
    async def lock_linked(self, digest: bytes) -> Password | None:
        """Return the password that a link sets; others wait to change it."""

    @abstractmethod
    def add(self, password: Password) -> None:
        """Add the password of an account; the commit raises `LoginTaken` if the login belongs to another."""

    @abstractmethod
    def replace(self, password: Password) -> None:
        """Replace a locked password."""


class PasswordList(Protocol):
    """Reads passwords outside of transactions."""

    @abstractmethod
    async def find(self, login: str) -> Password | None:
        """Return the password of a login; that of a disabled account without its hash, so that nothing matches it."""


class SigningKeys(Protocol):
    """The repository of signing keys."""

    @abstractmethod
    async def all(self) -> Sequence[SigningKey]:
        """Return the keys, the oldest first."""

    @abstractmethod
    def add(self, key: SigningKey) -> None:
        """Add a key."""
