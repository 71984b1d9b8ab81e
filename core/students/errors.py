"""What can go wrong with the roster."""

from core.kernel.errors import Invalid, NotFound


class UnknownStudent(NotFound):
    """Nobody on the roster has this registration."""

    problem = "unknown-student"


class UnreadableRoster(Invalid):
    """The roster cannot be read as the CSV we expect."""

    problem = "unreadable-roster"
