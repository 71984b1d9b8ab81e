"""One reader of a timeline, and what its transport does for it."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Protocol

from litestar.types import HTTPScope

from core.fees.timelines.followed_timeline import FollowedTimeline
from core.fees.timelines.timeline_step import TimelineStep
from core.kernel.authorization import Principal, current_principal
from core.kernel.trace import current_trace
from entrypoints.http.middleware.authentication import address_of, credential_of
from entrypoints.http.protocol.exchange import Exchange

MIN_RETRY_MS, MAX_RETRY_MS = 1_000, 5_000
"""When a client connects again, random so that those of a process that ends do not come back together."""


class StreamEnd(StrEnum):
    """Why the server ends a stream; the client connects again after any of them, with the id of its last step."""

    COMPLETE = "complete"
    """Only the present steps were asked for."""
    ACCESS_ENDED = "access-ended"
    """The credential has ended, or permits something else by now."""
    RENEW = "renew"
    """The stream is as old as streams become."""
    RESTART = "restart"
    """The process ends."""


class Wire(Protocol):
    """How steps are written to a client: as server-sent events, or as frames of a WebSocket."""

    exchange: Exchange

    @abstractmethod
    async def send(self, steps: Sequence[TimelineStep], *, beat: bool) -> None:
        """Write steps; with `beat`, also what shows that both sides are still there."""

    @abstractmethod
    async def end(self, why: StreamEnd) -> None:
        """Tell why, and write no more."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what the request for the stream said."""

    followed: FollowedTimeline
    credential: str
    address: str
    reach: tuple[object, ...]
    request_id: str

    @classmethod
    def of(cls, scope: HTTPScope, followed: FollowedTimeline) -> "Reader":
        """Return the reader of the present request."""
        known = credential_of(scope), address_of(scope), reach(current_principal.get())
        return cls(followed, *known, current_trace.get().request_id)


class Stream:
    """A stream as the process serves it."""

    __slots__ = ("beat_at", "began", "reader", "wire")

    def __init__(self, reader: Reader, wire: Wire, heartbeat_seconds: float) -> None:
        self.reader, self.wire, self.began = reader, wire, monotonic()
        self.beat_at = self.began + heartbeat_seconds


def reach(principal: Principal) -> tuple[object, ...]:
    """Return what decides about the access to a timeline."""
    return principal.subject, principal.permissions, principal.centre, principal.student
