"""Streams of JSON lines: requests read and responses written line by line."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from core.kernel.text import BYTE_ORDER_MARK

log = structlog.get_logger()
MAX_LINE_BYTES = 64 * 1024
"""The maximum size of a line; at most one byte more of an incomplete line is kept."""
MAX_LINES_PER_TURN = 1_024
"""Lines that are read in one turn of the event loop."""
WRITE_TIMEOUT_SECONDS = 60.0
"""The time limit for a client to accept one part of a response."""


@dataclass(frozen=True, slots=True)
class NdjsonLine:
    """A line of a body and the arrival of its end; a line over the limit is truncated to one byte over it."""

    number: int
    text: bytes
    arrived: datetime


async def read_lines(request: Request[Any, Any, Any]) -> AsyncIterator[Sequence[NdjsonLine]]:
    """Yield the lines of each received part; blank lines are only counted.

    When the client disconnects within a line, that line is discarded.
    """
    number, rest, more = 0, b"", True
    while more and (message := await request.receive())["type"] == "http.request":
        more = message.get("more_body", False)
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        if not more:
            whole.append(rest)
        if number == 0 and whole:
            whole[0] = whole[0].removeprefix(BYTE_ORDER_MARK)
        arrived = request.scope["arrived"]  # type: ignore[typeddict-item]
        for first in range(0, len(whole), MAX_LINES_PER_TURN):
            lines = enumerate(whole[first : first + MAX_LINES_PER_TURN], number + first + 1)
            yield [NdjsonLine(at, text, arrived) for at, text in lines if text.strip()]
            await asyncio.sleep(0)
        number += len(whole)
        rest = rest[: MAX_LINE_BYTES + 1]


class StreamedResponse(ASGIResponse):
    """Sends parts as they become available; unlike Litestar's `Stream`, it does not consume the request."""

    _should_set_content_length = False

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media_type: str) -> None:
        """Start with a prepared part: some clients send no body before the server reads."""
        super().__init__(body=first, media_type=media_type)
        self._rest = rest

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 - signature of Litestar
        """Send all parts; stop when the client accepts none within the time limit."""
        async with aclosing(self._rest):
            part: bytes | None = self.body
            while part is not None:
                try:
                    async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                except TimeoutError:
                    log.warning("client_write_timed_out", seconds=WRITE_TIMEOUT_SECONDS)
                    return
                part = await anext(self._rest, None)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
