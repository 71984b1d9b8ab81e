"""What goes wrong with sessions."""

from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import NotFound


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
