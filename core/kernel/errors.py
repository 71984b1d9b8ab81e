"""The kinds of error that the core raises.

Each transport owns one table that maps these kinds to a status code, an exit code,
or the choice between redelivering a message and dead-lettering it.
"""

from collections.abc import Mapping
from typing import ClassVar, Self


class CoreError(Exception):
    """The root of the errors that the core raises.

    `at` is the JSON path of the invalid field, such as `$.papers[2]`; `facts` are extension members for programs.
    """

    problem: ClassVar[str] = "core-error"
    """The last part of the problem type; a kind without its own is reported as its parent."""

    def __init__(self, detail: str = "", *, at: str | None = None, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.at = at
        self.facts = facts or {}


class Invalid(CoreError, ValueError):
    """The request is malformed or contradicts itself, independent of stored data."""

    problem = "invalid"


class Unprocessable(Invalid):
    """The request has the documented form, but contradicts itself, what it refers to, or the present moment."""

    problem = "unprocessable"


class NotFound(CoreError):
    """The request names something that does not exist."""

    problem = "not-found"


class Conflict(CoreError):
    """The request is valid, but stored data does not allow it now."""

    problem = "conflict"

    @classmethod
    def concurrent_change(cls) -> Self:
        """Return the conflict of two transactions that changed the same rows."""
        return cls("another request changed the same data at the same time; send the request again")


class Forbidden(CoreError):
    """The request is valid, but not for this caller."""

    problem = "forbidden"


class Unavailable(CoreError):
    """A dependency failed; the same request may succeed later."""

    problem = "unavailable"

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds; None: nothing is known."""


class InUse(Unavailable):
    """Another transaction holds a lock for longer than the wait limit."""

    problem = "in-use"


class GaveWay(Unavailable):
    """The database rolled this transaction back to end a deadlock; a retry may succeed at once."""

    problem = "gave-way"


def problem_type(kind: type[CoreError]) -> str:
    """Return the problem type on every transport: `urn:bursar:problem:fee-already-submitted`."""
    return f"urn:bursar:problem:{kind.problem}"


def reported_kind(error: CoreError) -> type[CoreError]:
    """Return the nearest class that declares a `problem`: the error's own class or an ancestor."""
    return next(kind for kind in type(error).__mro__ if "problem" in vars(kind))


def error_name(error: Exception) -> str:
    """Return the name that dead letters and metrics use, made of the problem type: `FeeAlreadySubmitted`."""
    if isinstance(error, CoreError):
        return "".join(word.capitalize() for word in error.problem.split("-"))
    return type(error).__name__
