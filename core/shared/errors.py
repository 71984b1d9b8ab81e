"""What can go wrong, in the language of the business.

A core error does not know how it will be reported.  Each transport owns one
table that gives these five kinds a meaning: a status code, an exit code, or
the choice between redelivering a message and parking it.
"""

import re
from collections.abc import Mapping


class CoreError(Exception):
    """The root of everything the core raises on purpose.

    `at` is the JSON path of the guilty field, when there is one: `$.papers[2]`; `facts` are for programs.
    """

    def __init__(self, detail: str = "", *, at: str | None = None, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.at = at
        self.facts = facts or {}


class Invalid(CoreError, ValueError):
    """The request makes no sense, whatever the state of the world."""


class NotFound(CoreError):
    """The request names something that does not exist."""


class Conflict(CoreError):
    """The request makes sense, but not in the present state of the world."""


class Forbidden(CoreError):
    """The request makes sense, but not from this caller."""


class Unavailable(CoreError):
    """The outside world failed us; the same request may succeed after `retry_after` seconds."""

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class InUse(Unavailable):
    """Somebody else holds what is wanted for longer than we wait."""


class GaveWay(Unavailable):
    """Somebody else and we each wanted what the other held, and we let go: the same may succeed at once."""


def problem_type(kind: type[Exception]) -> str:
    """Return the name of a problem, the same on every transport: `urn:bursar:problem:fee-already-submitted`."""
    return "urn:bursar:problem:" + re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
