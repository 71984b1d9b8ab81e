"""One-time secrets: the codes and links that a message carries to a person, stored encrypted until they are used."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

from core.identity.errors import WrongCredentials
from core.kernel.constraints import Text
from core.kernel.events import Event

SecretId = NewType("SecretId", UUID)
CODE_LIFETIME = timedelta(minutes=10)
MAX_WRONG_ATTEMPTS = 5
CODE_DIGITS = 8
"""At 5 attempts for each of 10 codes in 15 minutes, a year of guesses from any number of addresses finds 1 in 57."""
CODE = Text(f"{CODE_DIGITS} digits", f"[0-9]{{{CODE_DIGITS}}}")


class Purpose(StrEnum):
    """What a secret is for."""

    SIGN_IN = "sign-in"
    PASSWORD = "password"  # noqa: S105 - a word for what a link sets


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeSecret:
    """A secret that is on its way to a person."""

    id: SecretId
    purpose: Purpose
    holder: UUID | None
    """The student or the account that it is sent to; None: the registration was unknown, and nothing is sent."""
    digest: bytes = field(repr=False)
    """A keyed hash of the text."""
    sealed: bytes = field(repr=False)
    """What the message says, encrypted; empty after its use."""
    attempts: int = 0
    """Wrong ones."""
    expires_at: datetime

    def is_open(self, purpose: Purpose, at: datetime) -> bool:
        """Tell whether it can be used."""
        return self.purpose is purpose and self.is_readable(at) and self.attempts < MAX_WRONG_ATTEMPTS

    def is_readable(self, at: datetime) -> bool:
        """Tell whether a message may still carry it."""
        return bool(self.sealed) and at < self.expires_at

    def missed(self) -> Self:
        """Return the secret after a wrong attempt."""
        return replace(self, attempts=self.attempts + 1)

    def used(self) -> Self:
        """Return the secret after its use: its text is gone."""
        return replace(self, sealed=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequested(Event):
    """A one-time code was requested; the subject is its id, and the event has no part of it."""

    CONTEXT = "identity"
    MESSAGE_TYPE = "CodeRequested"

    student: UUID | None
    """Null: no student on the roster has the registration."""
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInvited(Event):
    """A person was sent the link that sets the password of an account; the subject is its id."""

    CONTEXT = "identity"
    MESSAGE_TYPE = "AccountInvited"

    account: UUID
    expires_at: datetime


def wrong_code() -> WrongCredentials:
    """Return the one answer to every code that does not sign in."""
    return WrongCredentials("the code is wrong, was used or has expired; request another one")
