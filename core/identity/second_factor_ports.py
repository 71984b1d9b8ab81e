"""The ports of second factors."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.identity.second_factor import SecondFactor


class TimeCodes(Protocol):
    """The arithmetic of RFC 6238: six digits, SHA-1, steps of 30 seconds, as authenticator apps expect it."""

    @abstractmethod
    def new_secret(self) -> str:
        """Return 160 random bits in base 32."""

    @abstractmethod
    def uri(self, secret: str, name: str) -> str:
        """Return the `otpauth://` URI that an authenticator app reads; `name` is what it shows."""

    @abstractmethod
    def step(self, secret: str, code: str, at: datetime, after: int) -> int | None:
        """Return the time step of a code: that of the moment, the one before or the next, and later than `after`.

        None: the code belongs to none of them.
        """


class SecondFactors(Protocol):
    """The repository of second factors; reading raises `Undecipherable`, adding and replacing `NoEncryptionKey`."""

    @abstractmethod
    async def lock(self, account: UUID) -> SecondFactor | None:
        """Return the second factor of an account; others wait to change it."""

    @abstractmethod
    def add(self, factor: SecondFactor) -> None:
        """Add the second factor of an account; the commit raises `Conflict` if it has one."""

    @abstractmethod
    def replace(self, factor: SecondFactor) -> None:
        """Replace a locked second factor."""

    @abstractmethod
    async def remove(self, account: UUID) -> None:
        """Remove a locked second factor."""
