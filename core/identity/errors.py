"""The errors of the identity context."""

from typing import Self
from uuid import UUID

from core.kernel.errors import NotFound


class UnknownAccount(NotFound):
    """No account has this id."""

    problem = "unknown-account"

    @classmethod
    def with_id(cls, account: UUID) -> Self:
        """Return the error for an id."""
        return cls(f"there is no account {account}")
