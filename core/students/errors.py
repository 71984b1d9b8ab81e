"""The errors of the students context."""

from core.kernel.errors import NotFound, Unprocessable


class UnknownStudent(NotFound):
    """No student on the roster has this registration."""

    problem = "unknown-student"


class UnreadableRoster(Unprocessable):
    """The roster is not a CSV file of the documented form."""

    problem = "unreadable-roster"
