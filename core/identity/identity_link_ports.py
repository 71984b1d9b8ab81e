"""The repositories of linked identities and of pending sign-ins."""

from abc import abstractmethod
from typing import Protocol

from core.identity.identity_link import IdentityLink
from core.identity.pending_sign_in import PendingSignIn


class IdentityLinks(Protocol):
    """The repository of links."""

    @abstractmethod
    async def find(self, issuer: str, subject: str) -> IdentityLink | None:
        """Return the link of an identity."""

    @abstractmethod
    def add(self, link: IdentityLink) -> None:
        """Add a link; the commit raises `IdentityAlreadyLinked` if the identity has one."""


class PendingSignIns(Protocol):
    """The repository of sign-ins whose persons are at their providers."""

    @abstractmethod
    def add(self, pending: PendingSignIn) -> None:
        """Add a pending sign-in."""

    @abstractmethod
    async def take(self, state_digest: bytes) -> PendingSignIn | None:
        """Remove a pending sign-in and return it; of several that take it at once, one receives it."""
