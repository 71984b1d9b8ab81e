"""The ports of one-time secrets, and of the students to whom codes are sent."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from core.identity.account import Account
from core.identity.one_time_secret import OneTimeSecret, SecretId


class OneTimeSecrets(Protocol):
    """The repository of one-time secrets; each is deleted when it has expired."""

    @abstractmethod
    async def find(self, secret: SecretId) -> OneTimeSecret | None:
        """Return a secret."""

    @abstractmethod
    async def lock(self, secret: SecretId) -> OneTimeSecret | None:
        """Return a secret; others wait to change it."""

    @abstractmethod
    def add(self, secret: OneTimeSecret) -> None:
        """Add a secret."""

    @abstractmethod
    def replace(self, secret: OneTimeSecret) -> None:
        """Replace a locked secret."""


class SecretBox(Protocol):
    """Makes codes, and hides the texts of secrets under keys that the database does not have."""

    @abstractmethod
    def create_code(self) -> str:
        """Return a code of random digits."""

    @abstractmethod
    def digest(self, secret: SecretId, text: str) -> bytes:
        """Return the keyed hash of a text, which differs for each secret."""

    @abstractmethod
    def seal(self, secret: SecretId, facts: Mapping[str, str]) -> bytes:
        """Return what a message says, encrypted; only the same secret decrypts it."""

    @abstractmethod
    def unseal(self, secret: SecretId, sealed: bytes) -> Mapping[str, str]:
        """Return what a message says; raise `Undecipherable`."""


class EnrolledStudents(Protocol):
    """Reads the students of the roster, and the account of each."""

    @abstractmethod
    async def find(self, registration_key: str) -> UUID | None:
        """Return the student of a registration."""

    @abstractmethod
    async def lock(self, student: UUID) -> bool:
        """Tell whether a student is on the roster; an erasure, and another first sign-in, wait."""

    @abstractmethod
    async def account_of(self, student: UUID) -> Account | None:
        """Return the account of a student."""
