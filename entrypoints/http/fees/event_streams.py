"""Timelines as server-sent events."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from core.fees.timelines.timeline_step import TimelineStep
from entrypoints.http.fees.timeline_stream import MAX_RETRY_MS, MIN_RETRY_MS, Reader, StreamEnd
from entrypoints.http.fees.timeline_streams import TimelineStreams
from entrypoints.http.protocol.exchange import DETACH, Exchange

EVENT_STREAM = "text/event-stream"
HEARTBEAT = b": still here\n\n"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""Tells nginx to pass each event on at once."""


@dataclass(slots=True)
class EventWire:
    """Writes steps as events."""

    exchange: Exchange

    async def send(self, steps: Sequence[TimelineStep], *, beat: bool) -> None:
        """Write steps, or a comment."""
        if part := encoded(steps) or (HEARTBEAT if beat else b""):
            await self.exchange.send(body(part, more=True))

    async def end(self, why: StreamEnd) -> None:
        """Write the last event."""
        await self.exchange.send(body(ended(why), more=False))


class EventStreamResponse(ASGIResponse):
    """Sends the present steps, and lets the streams of the process go on."""

    _should_set_content_length = False

    def __init__(self, reader: Reader, streams: TimelineStreams, *, follow: bool) -> None:
        super().__init__(media_type=EVENT_STREAM, headers=UNBUFFERED)
        self._reader, self._streams, self._follow = reader, streams, follow

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 - signature of Litestar
        """Send the present steps, and detach the exchange or end."""
        reader, streams = self._reader, self._streams
        retry = b"retry: %d\n\n" % random.randint(MIN_RETRY_MS, MAX_RETRY_MS)  # noqa: S311 - no secret
        part = retry + encoded(reader.followed.unseen())
        if not self._follow:
            reader.followed.close()
            await send(body(part + ended(StreamEnd.COMPLETE), more=False))
            return
        try:
            await send(body(part, more=True))
        except BaseException:
            reader.followed.close()
            raise
        detach: Any = {"type": DETACH, "take": lambda exchange: streams.add(reader, EventWire(exchange))}
        await send(detach)


def body(part: bytes, *, more: bool) -> Any:
    """Return a message of ASGI."""
    return {"type": "http.response.body", "body": part, "more_body": more}


def encoded(steps: Sequence[TimelineStep]) -> bytes:
    """Return steps as events."""
    return b"".join(b"id: %b\ndata: %b\n\n" % (str(step.id).encode(), msgspec.json.encode(step)) for step in steps)


def ended(why: StreamEnd) -> bytes:
    """Return the last event of a stream, which has no id: the client keeps that of its last step."""
    return b'event: end\ndata: {"reason":"%b"}\n\n' % why.encode()
