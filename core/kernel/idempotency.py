"""Requests that take effect once, however often they are sent."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from core.kernel.errors import Conflict, CoreError, Invalid, Unavailable
from core.kernel.trace import Trace, current_trace

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """One wish of one caller, as it reached us."""

    arrived: datetime
    """When it reached us: deadlines are judged by this moment, not by when we found time for it."""
    scope: str = ""
    """Whose keys these are: the caller and the route."""
    key: str | None = None
    """The idempotency key; without one nothing is remembered."""
    fingerprint: bytes = b""
    """SHA-256 of the body, so that a key cannot be used for two different wishes."""
    trace: Trace = field(default_factory=current_trace.get)
    """For whoever works for several requests at once."""


class RequestRepeated(Conflict):
    """The request took effect before."""

    problem = "request-repeated"


class RequestInProgress(Conflict):
    """The same request is being worked on at this moment; ask again in a second."""

    problem = "request-in-progress"


class IdempotencyKeyReused(Invalid):
    """The idempotency key was used before, for a different body."""

    problem = "idempotency-key-reused"


class Answers(Protocol):
    """What requests were answered, for as long as a client may repeat them."""

    @abstractmethod
    async def to(self, request: RequestContext) -> bytes | None:
        """Return the first answer, byte for byte, or None; raise `IdempotencyKeyReused`."""


async def once(answers: Answers, request: RequestContext, act: Callable[[], Awaitable[T]]) -> T | bytes:
    """Act, or return what the same request was answered first.

    Only a refusal makes us look for an earlier answer: a new request costs no extra query, and a repeated
    one is refused by the key that was stored with its first effect.
    """
    try:
        return await act()
    except Unavailable:
        raise
    except CoreError:
        if (answer := await answers.to(request)) is None:
            raise
        return answer
