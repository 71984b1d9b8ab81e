"""Bodies of many lines, in and out, while both are under way."""

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

log = structlog.get_logger()
MAX_LINE_BYTES = 64 * 1024
"""Bytes of a line; so much of one that is not yet whole is kept, and no more."""
WRITE_TIMEOUT_SECONDS = 60.0
"""Seconds we wait for a client that does not read."""


@dataclass(frozen=True, slots=True)
class NdjsonLine:
    """A line of a body, and when the last of it reached us; of one that is too long, only so much that this shows."""

    number: int
    text: bytes
    arrived: datetime


async def lines(request: Request[Any, Any, Any]) -> AsyncIterator[Sequence[NdjsonLine]]:
    """Return lines as they come in, those together that came together; blank ones only count.

    A client that leaves in the middle of a line has not sent it.
    """
    number, rest, more = 0, b"", True
    while more and (message := await request.receive())["type"] == "http.request":
        more = message.get("more_body", False)
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        if not more:
            whole.append(rest)
        arrived = request.scope["arrived"]  # type: ignore[typeddict-item]
        yield [NdjsonLine(at, text, arrived) for at, text in enumerate(whole, number + 1) if text.strip()]
        number += len(whole)
        rest = rest[: MAX_LINE_BYTES + 1]


class StreamedResponse(ASGIResponse):
    """Sends parts as they are made, and leaves the request alone: Litestar's would take what it receives away."""

    _should_set_content_length = False

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes, None], media_type: str) -> None:
        """Begin with a part that is made already: some clients send no body until it is asked for."""
        super().__init__(body=first, media_type=media_type)
        self._rest = rest

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 - of a response
        """Send all parts; leave in the middle when the client reads nothing for too long."""
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
