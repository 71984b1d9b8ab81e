"""The errors of the identity context."""

from typing import Self
from uuid import UUID

from core.kernel.errors import Conflict, NotFound


class UnknownAccount(NotFound):
    """No account has this id."""

    problem = "unknown-account"

    @classmethod
    def with_id(cls, account: UUID) -> Self:
        """Return the error for an id."""
        return cls(f"there is no account {account}")


class AccountDisabled(Conflict):
    """The account was disabled."""

    problem = "account-disabled"

    @classmethod
    def with_id(cls, account: UUID) -> Self:
        """Return the error for an id."""
        return cls(f"the account {account} was disabled")


class UnknownApiKey(NotFound):
    """No API key has this id."""

    problem = "unknown-api-key"

    @classmethod
    def with_id(cls, key: UUID) -> Self:
        """Return the error for an id."""
        return cls(f"there is no API key {key}")
