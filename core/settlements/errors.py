"""The errors of the settlements context."""

from core.kernel.errors import Conflict, NotFound, Unprocessable


class UnreadableSettlement(Unprocessable):
    """The file is not a settlement file of this mapping."""

    problem = "unreadable-settlement"


class UnknownException(NotFound):
    """No exception of a settlement has this id."""

    problem = "unknown-settlement-exception"


class ExceptionSettled(Conflict):
    """The exception is decided, or was found to be none."""

    problem = "settlement-exception-settled"
