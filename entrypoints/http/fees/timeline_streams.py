"""Timelines as server-sent events: one task of the process serves all streams, which have no task of their own."""

import asyncio
import random
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Any

import msgspec
import structlog
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope, Receive, Send

from core.fees.timelines.followed_timeline import FollowedTimeline
from core.fees.timelines.timeline_step import TimelineStep
from core.kernel.authorization import NotAuthenticated, Principal, current_principal
from core.kernel.errors import CoreError
from core.kernel.signals import Signals
from core.kernel.trace import current_trace
from entrypoints.http.middleware.authentication import Authentication, address_of, credential_of
from entrypoints.http.protocol.exchange import DETACH, Exchange

log = structlog.get_logger()
EVENT_STREAM = "text/event-stream"
MIN_RETRY_MS, MAX_RETRY_MS = 1_000, 5_000
"""When a client connects again, random so that those of a process that ends do not come back together."""
HEARTBEAT = b": still here\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Tells nginx to pass each event on at once."""
TICK_SECONDS = 0.1
"""The longest time between two looks at what streams wait for."""


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


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """When a stream sends a comment and when it ends."""

    heartbeat_seconds: float = 15.0
    max_seconds: float = 3_600.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process ends."""


@dataclass(slots=True, eq=False)
class Stream:
    """One reader of a timeline."""

    followed: FollowedTimeline
    exchange: Exchange
    credential: str
    address: str
    reach: tuple[object, ...]
    request_id: str
    began: float
    beat_at: float


class TimelineStreams:
    """The streams of one process."""

    def __init__(self, authentication: Authentication, times: StreamTimes) -> None:
        self._authentication, self.times = authentication, times
        self._open = dict[Stream, None]()
        """In the order of their next heartbeats."""
        self._woken, self._waking = dict[Stream, None](), asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    def add(self, stream: Stream) -> None:
        """Serve a stream from now on."""
        self._open[stream] = None
        stream.followed.wake = partial(self._wake, stream)
        stream.exchange.on_left = partial(self._close, stream, "left")
        if stream.exchange.disconnected:
            self._close(stream, "left")
            return
        self._wake(stream)  # for what happened before `wake` was set
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), context=Context())  # none of one request

    def _wake(self, stream: Stream) -> None:
        self._woken[stream] = None
        self._waking.set()

    def _close(self, stream: Stream, why: str) -> None:
        if stream not in self._open:
            return
        del self._open[stream]
        self._woken.pop(stream, None)
        stream.followed.close()
        seconds = round(monotonic() - stream.began, 3)
        log.info("stream_ended", reason=why, seconds=seconds, request_id=stream.request_id)

    async def _serve(self) -> None:
        """Serve streams until there are none; a stream whose client reads slowly gets its steps later."""
        while self._open:
            self._waking.clear()
            for stream in [*self._woken]:
                self._woken.pop(stream, None)
                await self._send_to(stream, b"")
            while (first := next(iter(self._open), None)) and first.beat_at <= monotonic():
                first.beat_at = monotonic() + self.times.heartbeat_seconds
                self._open[first] = self._open.pop(first)
                await self._send_to(first, HEARTBEAT)
            if self.times.stop.is_set():
                for stream in [*self._open]:
                    await self._end(stream, StreamEnd.RESTART)
            await Signals.wait(self._waking, min(TICK_SECONDS, self.times.heartbeat_seconds))
        self._serving = None

    async def _send_to(self, stream: Stream, otherwise: bytes) -> None:
        """Serve one stream; its failure is not that of the others."""
        try:
            await self._send_steps(stream, otherwise)
        except Exception as error:
            log.error("internal_error", exc_info=error)
            stream.exchange.transport.close()

    async def _send_steps(self, stream: Stream, otherwise: bytes) -> None:
        """Send the steps that a client lacks, or something else; end a stream that is old or has lost its access."""
        access = await self.access(stream.credential, stream.address)
        if stream not in self._open or stream.exchange.is_paused:
            return
        if access not in (None, stream.reach):
            await self._end(stream, StreamEnd.ACCESS_ENDED)
            return
        if part := encoded(stream.followed.unseen() if access else ()) or otherwise:
            await stream.exchange.send(body(part, more=True))
        if monotonic() - stream.began >= self.times.max_seconds:
            await self._end(stream, StreamEnd.RENEW)

    async def _end(self, stream: Stream, why: StreamEnd) -> None:
        self._close(stream, why)
        stream.exchange.on_left = None
        if stream.exchange.is_paused:
            stream.exchange.transport.close()
            return
        await stream.exchange.send(body(ended(why), more=False))

    async def access(self, credential: str, address: str) -> tuple[object, ...] | None:
        """Return what a credential permits now; None: a dependency does not answer."""
        try:
            return reach(await self._authentication(credential, address))
        except NotAuthenticated:
            return ()
        except CoreError:
            return None


class TimelineResponse(ASGIResponse):
    """Sends the present steps, and lets the streams of the process go on."""

    _should_set_content_length = False

    def __init__(self, followed: FollowedTimeline, streams: TimelineStreams, scope: HTTPScope, *, follow: bool) -> None:
        super().__init__(media_type=EVENT_STREAM, headers=UNBUFFERED)
        self._followed, self._streams, self._follow = followed, streams, follow
        now = monotonic()
        known = credential_of(scope), address_of(scope), reach(current_principal.get())
        self._stream = (
            partial(Stream, followed),
            (*known, current_trace.get().request_id, now, now + streams.times.heartbeat_seconds),
        )

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 - signature of Litestar
        """Send the present steps, and detach the exchange or end."""
        retry = b"retry: %d\n\n" % random.randint(MIN_RETRY_MS, MAX_RETRY_MS)  # noqa: S311 - no secret
        part = retry + encoded(self._followed.unseen())
        if not self._follow:
            self._followed.close()
            await send(body(part + ended(StreamEnd.COMPLETE), more=False))
            return
        try:
            await send(body(part, more=True))
        except BaseException:
            self._followed.close()
            raise
        detach: Any = {"type": DETACH, "take": partial(take, *self._stream, self._streams)}
        await send(detach)


def take(made: Any, known: Sequence[Any], streams: TimelineStreams, exchange: Exchange) -> None:
    """Serve a detached exchange as a stream."""
    streams.add(made(exchange, *known))


def body(part: bytes, *, more: bool) -> Any:
    """Return a message of ASGI."""
    return {"type": "http.response.body", "body": part, "more_body": more}


def reach(principal: Principal) -> tuple[object, ...]:
    """Return what decides about the access to a timeline."""
    return principal.subject, principal.permissions, principal.centre, principal.student


def encoded(steps: Sequence[TimelineStep]) -> bytes:
    """Return steps as events."""
    return b"".join(b"id: %b\ndata: %b\n\n" % (str(step.id).encode(), msgspec.json.encode(step)) for step in steps)


def ended(why: StreamEnd) -> bytes:
    """Return the last event of a stream, which has no id: the client keeps that of its last step."""
    return b'event: end\ndata: {"reason":"%b"}\n\n' % why.encode()
