"""What can go wrong, in the language of the business.

A core error does not know how it will be reported.  Each transport owns one
table that gives these five kinds a meaning: a status code, an exit code, or
the choice between redelivering a message and parking it.
"""

from collections.abc import Mapping
from typing import ClassVar


class CoreError(Exception):
    """The root of everything the core raises on purpose.

    `at` is the JSON path of the guilty field, when there is one: `$.papers[2]`; `facts` are for programs.
    """

    problem: ClassVar[str] = "core-error"
    """The last part of its name on the wire; a kind that declares none is reported under its parent's name."""

    def __init__(self, detail: str = "", *, at: str | None = None, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.at = at
        self.facts = facts or {}


class Invalid(CoreError, ValueError):
    """The request makes no sense, whatever the state of the world."""

    problem = "invalid"


class NotFound(CoreError):
    """The request names something that does not exist."""

    problem = "not-found"


class Conflict(CoreError):
    """The request makes sense, but not in the present state of the world."""

    problem = "conflict"


class Forbidden(CoreError):
    """The request makes sense, but not from this caller."""

    problem = "forbidden"


class Unavailable(CoreError):
    """The outside world failed us; the same request may succeed after `retry_after` seconds."""

    problem = "unavailable"

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class InUse(Unavailable):
    """Somebody else holds what is wanted for longer than we wait."""

    problem = "in-use"


class GaveWay(Unavailable):
    """Somebody else and we each wanted what the other held, and we let go: the same may succeed at once."""

    problem = "gave-way"


def problem_type(kind: type[CoreError]) -> str:
    """Return the name of a problem, the same on every transport: `urn:bursar:problem:fee-already-submitted`."""
    return f"urn:bursar:problem:{kind.problem}"


def reported_kind(error: CoreError) -> type[CoreError]:
    """Return the kind under whose name an error is reported: its own, or the parent that declares a problem."""
    return next(kind for kind in type(error).__mro__ if "problem" in vars(kind))


def reason(error: Exception) -> str:
    """Return the name that dead letters keep of an error: `FeeAlreadySubmitted`."""
    if isinstance(error, CoreError):
        return "".join(word.capitalize() for word in error.problem.split("-"))
    return type(error).__name__
