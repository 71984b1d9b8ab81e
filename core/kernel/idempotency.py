"""Idempotency keys: a repeated request takes effect once and gets its first answer again."""

from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self, TypeVar

from core.kernel.authorization import NotAuthenticated, Principal, current_principal
from core.kernel.errors import Conflict, CoreError, Forbidden, Unavailable, Unprocessable
from core.kernel.trace import Trace, current_trace

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """The envelope of one request: when it was received, and how its repetitions are recognised."""

    arrived: datetime
    """When the process received it; deadlines are judged by this moment, not by the time of processing."""
    scope: str = ""
    """The namespace of the key: the caller and the route."""
    key: str | None = None
    """The idempotency key; without one no answer is stored."""
    fingerprint: bytes = b""
    """SHA-256 of the body, so that one key cannot be used for two different requests."""
    trace: Trace = field(default_factory=current_trace.get)
    """Kept for code that processes several requests in one task."""
    principal: Principal = field(default_factory=current_principal.get)
    """Kept for the same code; its permission was checked."""


class RequestRepeated(Conflict):
    """The request took effect before."""

    problem = "request-repeated"

    @classmethod
    def already_effective(cls) -> Self:
        """Return the refusal of a request whose idempotency key is stored."""
        return cls("the request took effect before")


class RequestInProgress(Conflict):
    """Another transaction processes the same request now; retry in a second."""

    problem = "request-in-progress"


class IdempotencyKeyReused(Unprocessable):
    """The idempotency key was used before, for a different body."""

    problem = "idempotency-key-reused"

    @classmethod
    def for_another_body(cls) -> Self:
        """Return the refusal of a key that is stored with another fingerprint."""
        return cls("this idempotency key was used before, for a different body")


class Answers(Protocol):
    """Stored answers, kept for as long as a client may repeat a request."""

    @abstractmethod
    async def find(self, request: RequestContext) -> bytes | None:
        """Return the first answer, byte for byte, or None; raise `IdempotencyKeyReused` for another body."""


async def execute_once(answers: Answers, request: RequestContext, acting: Awaitable[T]) -> T | bytes:
    """Return the result of `acting`, or the first answer of the same request.

    The answer is read after a refusal only: a new request costs no extra query, and a repeated one is refused
    by the key that was stored with its first effect.  Who may not do it (any more) gets no answer.
    """
    try:
        return await acting
    except (Unavailable, Forbidden, NotAuthenticated):
        raise
    except CoreError:
        if (answer := await answers.find(request)) is None:
            raise
        return answer
