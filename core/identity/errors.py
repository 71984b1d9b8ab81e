"""The errors of the identity context."""

from typing import Self
from uuid import UUID

from core.kernel.authorization import NotAuthenticated
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


class StudentHasAccount(Conflict):
    """The student has an account already; it may be disabled."""

    problem = "student-has-account"


class StudentNotEnrolled(Conflict):
    """The student of the account is not on the roster; an erased one does not come back."""

    problem = "student-not-enrolled"


class LoginTaken(Conflict):
    """The login belongs to another account."""

    problem = "login-taken"


class LinkNotValid(NotAuthenticated):
    """The link was used, has expired, was replaced by a newer one, or never existed."""

    problem = "link-not-valid"


class WrongCredentials(NotAuthenticated):
    """The name, the password or the code is wrong, or the account may not sign in."""

    problem = "wrong-credentials"


class SessionEnded(NotAuthenticated):
    """The session has ended or expired; sign in again."""

    problem = "session-ended"


class RefreshTokenReused(NotAuthenticated):
    """The refresh token was used before: its session has ended, because two parties may hold it."""

    problem = "refresh-token-reused"


class UnknownSession(NotFound):
    """The account has no open session with this id."""

    problem = "unknown-session"


class SecondFactorNeeded(NotAuthenticated):
    """The account has a second factor: send a code of it, too."""

    problem = "second-factor-needed"


class SecondFactorEnrolled(Conflict):
    """The account has a second factor; it is removed before another one is enrolled."""

    problem = "second-factor-enrolled"


class NoSecondFactor(Conflict):
    """The account has no second factor, or its enrolment was not confirmed in time."""

    problem = "no-second-factor"
