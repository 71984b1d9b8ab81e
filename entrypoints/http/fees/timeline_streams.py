"""Timelines as server-sent events: each stream is one task, which sleeps until there is something to send."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope, Receive, Send

from core.fees.timelines.followed_timeline import FollowedTimeline
from core.fees.timelines.timeline_step import TimelineStep
from core.kernel.authorization import NotAuthenticated, Principal, current_principal
from core.kernel.errors import CoreError
from core.kernel.signals import Signals
from entrypoints.http.middleware.authentication import Authentication, address_of, credential_of

EVENT_STREAM = "text/event-stream"
MIN_RETRY_MS, MAX_RETRY_MS = 1_000, 5_000
"""When a client connects again, random so that those of a process that ends do not come back together."""
HEARTBEAT = b": still here\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Tells nginx to pass each event on at once."""


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


class TimelineStreams:
    """The streams of one process."""

    def __init__(self, authentication: Authentication, times: StreamTimes) -> None:
        self.authentication, self.times = authentication, times
        self._open = set[FollowedTimeline]()
        self._stopping: asyncio.Task[None] | None = None

    def add(self, followed: FollowedTimeline) -> None:
        """Wake a stream when the process ends."""
        self._open.add(followed)
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())

    def close(self, followed: FollowedTimeline) -> None:
        """End a stream."""
        followed.close()
        self._open.discard(followed)
        if not self._open and self._stopping:
            self._stopping.cancel()
            self._stopping = None

    async def _stop(self) -> None:
        await self.times.stop.wait()
        for each in self._open:
            each.woken.set()


class TimelineResponse(ASGIResponse):
    """Sends the steps of a timeline until its client leaves or the server ends the stream."""

    _should_set_content_length = False

    def __init__(self, followed: FollowedTimeline, streams: TimelineStreams, scope: HTTPScope, *, follow: bool) -> None:
        super().__init__(media_type=EVENT_STREAM, headers=UNBUFFERED)
        self._followed, self._streams, self._scope, self._follow = followed, streams, scope, follow
        self._principal = current_principal.get()

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send steps and comments, and at the end why."""
        self._streams.add(self._followed)
        leaving = asyncio.create_task(left(receive))
        leaving.add_done_callback(lambda _: self._followed.woken.set())
        try:
            async for part in self._parts(leaving):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            leaving.cancel()
            self._streams.close(self._followed)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _parts(self, leaving: "asyncio.Task[None]") -> AsyncIterator[bytes]:
        clock, times, woken = asyncio.get_running_loop(), self._streams.times, self._followed.woken
        end_at = clock.time() + times.max_seconds
        yield b"retry: %d\n\n" % random.randint(MIN_RETRY_MS, MAX_RETRY_MS)  # noqa: S311 - no secret
        while not leaving.done():
            woken.clear()
            access = await self._has_access()
            if access is False:
                yield ended(StreamEnd.ACCESS_ENDED)
                return
            steps = self._followed.unseen() if access else ()
            yield b"".join(map(encoded, steps)) or HEARTBEAT
            if end := self._end(clock.time() >= end_at):
                yield ended(end)
                return
            await Signals.wait(woken, min(times.heartbeat_seconds, end_at - clock.time()))

    def _end(self, is_old: bool) -> StreamEnd | None:
        if not self._follow:
            return StreamEnd.COMPLETE
        if self._streams.times.stop.is_set():
            return StreamEnd.RESTART
        return StreamEnd.RENEW if is_old else None

    async def _has_access(self) -> bool | None:
        """Tell whether the credential still permits what it did; None: a dependency does not answer."""
        try:
            now = await self._streams.authentication(credential_of(self._scope), address_of(self._scope))
        except NotAuthenticated:
            return False
        except CoreError:
            return None
        return reach(now) == reach(self._principal)


def reach(principal: Principal) -> tuple[object, ...]:
    """Return what decides about the access to a timeline."""
    return principal.subject, principal.permissions, principal.centre, principal.student


def encoded(step: TimelineStep) -> bytes:
    """Return a step as an event."""
    return b"id: %b\ndata: %b\n\n" % (str(step.id).encode(), msgspec.json.encode(step))


def ended(why: StreamEnd) -> bytes:
    """Return the last event of a stream, which has no id: the client keeps that of its last step."""
    return b'event: end\ndata: {"reason":"%b"}\n\n' % why.encode()


async def left(receive: Receive) -> None:
    """Return when the client has left."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
