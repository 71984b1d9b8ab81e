"""The streams of timelines: one task of the process serves all of them, which have no task of their own."""

import asyncio
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import structlog

from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import CoreError
from core.kernel.signals import Signals
from entrypoints.http.fees.timeline_stream import Reader, Stream, StreamEnd, Wire, reach
from entrypoints.http.middleware.authentication import Authentication

log = structlog.get_logger()
TICK_SECONDS = 0.1
"""The longest time between two looks at what streams wait for."""


@dataclass(frozen=True, slots=True)
class StreamTimes:
    """When a stream has a heartbeat and when it ends."""

    heartbeat_seconds: float = 15.0
    max_seconds: float = 3_600.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process ends."""


class TimelineStreams:
    """The streams of one process."""

    def __init__(self, authentication: Authentication, times: StreamTimes) -> None:
        self._authentication, self.times = authentication, times
        self._open = dict[Stream, None]()
        """In the order of their next heartbeats."""
        self._woken, self._waking = dict[Stream, None](), asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    def add(self, reader: Reader, wire: Wire) -> None:
        """Serve a reader from now on."""
        stream, exchange = Stream(reader, wire, self.times.heartbeat_seconds), wire.exchange
        self._open[stream] = None
        reader.followed.wake = partial(self._wake, stream)
        exchange.on_left = partial(self._close, stream, "left")
        if exchange.disconnected or exchange.response_complete:
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
        stream.reader.followed.close()
        seconds = round(monotonic() - stream.began, 3)
        log.info("stream_ended", reason=why, seconds=seconds, request_id=stream.reader.request_id)

    async def _serve(self) -> None:
        """Serve streams until there are none; a stream whose client reads slowly gets its steps later."""
        while self._open:
            self._waking.clear()
            for stream in [*self._woken]:
                self._woken.pop(stream, None)
                await self._send_to(stream, beat=False)
            while (first := next(iter(self._open), None)) and first.beat_at <= monotonic():
                first.beat_at = monotonic() + self.times.heartbeat_seconds
                self._open[first] = self._open.pop(first)
                await self._send_to(first, beat=True)
            if self.times.stop.is_set():
                for stream in [*self._open]:
                    await self._end(stream, StreamEnd.RESTART)
            await Signals.wait(self._waking, min(TICK_SECONDS, self.times.heartbeat_seconds))
        self._serving = None

    async def _send_to(self, stream: Stream, *, beat: bool) -> None:
        """Serve one stream; its failure is not that of the others."""
        try:
            await self._send_steps(stream, beat=beat)
        except Exception as error:
            log.error("internal_error", exc_info=error)
            stream.wire.exchange.transport.close()

    async def _send_steps(self, stream: Stream, *, beat: bool) -> None:
        """Send the steps that a client lacks, and a heartbeat; end a stream that is old or has lost its access."""
        access = await self.access(stream.reader.credential, stream.reader.address)
        if stream not in self._open or stream.wire.exchange.is_paused:
            return
        if access not in (None, stream.reader.reach):
            await self._end(stream, StreamEnd.ACCESS_ENDED)
            return
        await stream.wire.send(stream.reader.followed.unseen() if access else (), beat=beat)
        if monotonic() - stream.began >= self.times.max_seconds:
            await self._end(stream, StreamEnd.RENEW)

    async def _end(self, stream: Stream, why: StreamEnd) -> None:
        if stream not in self._open:  # the client has left meanwhile
            return
        self._close(stream, why)
        exchange = stream.wire.exchange
        exchange.on_left = None
        if exchange.is_paused:
            exchange.transport.close()
            return
        await stream.wire.end(why)

    async def access(self, credential: str, address: str) -> tuple[object, ...] | None:
        """Return what a credential permits now; None: a dependency does not answer."""
        try:
            return reach(await self._authentication(credential, address))
        except NotAuthenticated:
            return ()
        except CoreError:
            return None
