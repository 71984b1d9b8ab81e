"""Timelines over WebSocket (RFC 6455), for programs: the request and its refusals are those of HTTP."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope, Receive, Scope, Send
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.frames import CloseCode, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.server import ServerProtocol

from core.fees.timelines.timeline_step import TimelineStep
from core.kernel.errors import Forbidden, Invalid
from entrypoints.http.fees.timeline_stream import MAX_RETRY_MS, MIN_RETRY_MS, Reader, StreamEnd
from entrypoints.http.fees.timeline_streams import TimelineStreams
from entrypoints.http.protocol.exchange import DETACH, UPGRADE, Exchange

MAX_BYTES = 125
"""The most bytes of a frame of the client, which sends none but control frames."""
ACCESS_ENDED = 4401
"""A close code of our own (RFC 6455, section 7.4.2), like the status 401."""
CLOSE_CODES = {
    StreamEnd.ACCESS_ENDED: ACCESS_ENDED,
    StreamEnd.RENEW: CloseCode.NORMAL_CLOSURE,
    StreamEnd.RESTART: CloseCode.SERVICE_RESTART,
}


class WebSocketWire:
    """Writes steps as text frames, and reads what the client sends."""

    __slots__ = ("_awaits_pong", "_protocol", "exchange")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange, self._awaits_pong = exchange, False
        self._protocol = Protocol(SERVER, max_size=MAX_BYTES)
        early, exchange.body, exchange.on_data = bytes(exchange.body), bytearray(), self._receive
        if early:
            self._receive(early)

    async def send(self, steps: Sequence[TimelineStep], *, beat: bool) -> None:
        """Write steps, and a ping; without a pong since the last ping, close."""
        for step in steps:
            self._protocol.send_text(msgspec.json.encode(step))
        if beat and self._awaits_pong:
            self._protocol.fail(CloseCode.INTERNAL_ERROR, "no pong for the last ping")
        elif beat:
            self._protocol.send_ping(b"")
            self._awaits_pong = True
        self._write()

    async def end(self, why: StreamEnd) -> None:
        """Send a close frame whose reason is JSON, after a restart with the time to wait in ms."""
        retry = {"retry": random.randint(MIN_RETRY_MS, MAX_RETRY_MS)} if why is StreamEnd.RESTART else {}  # noqa: S311
        self._protocol.send_close(CLOSE_CODES[why], msgspec.json.encode({"reason": why, **retry}).decode())
        self._write()

    def _receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            opcode = getattr(frame, "opcode", None)
            if opcode is Opcode.PONG:
                self._awaits_pong = False
            elif opcode in (Opcode.TEXT, Opcode.BINARY) and self._protocol.state is OPEN:
                self._protocol.fail(CloseCode.POLICY_VIOLATION, "a client of a timeline sends no messages")
        self._write()

    def _write(self) -> None:
        """Write what the protocol has to say; a pong for a client that does not read is left out."""
        exchange, data = self.exchange, b"".join(self._protocol.data_to_send())
        if self._protocol.state is OPEN:
            if data and not exchange.is_paused and not exchange.disconnected:
                exchange.transport.write(data)
            return
        if exchange.on_left:
            exchange.on_left()
        exchange.finish(data)


class WebSocketResponse(ASGIResponse):
    """Switches to WebSocket, and lets the streams of the process go on."""

    def __init__(self, accept: str, reader: Reader, streams: TimelineStreams) -> None:
        super().__init__(status_code=101)
        self._accept, self._reader, self._streams = accept, reader, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI calls it
        """Send the head, and detach the exchange."""
        reader, streams = self._reader, self._streams
        headers = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
        headers.append((b"sec-websocket-accept", self._accept.encode()))
        try:
            await send({"type": "http.response.start", "status": 101, "headers": headers})
        except BaseException:
            reader.followed.close()
            raise
        detach: Any = {"type": DETACH, "take": lambda exchange: streams.add(reader, WebSocketWire(exchange))}
        await send(detach)


def accepted(scope: HTTPScope) -> str | None:
    """Return what accepts the handshake of a request; None for one that asks for no WebSocket.

    Raises `Invalid` for a handshake that breaks RFC 6455, and `Forbidden` for one of a page of another origin.
    """
    if scope.get(UPGRADE, b"").lower() != b"websocket" or scope["http_version"] != "1.1":  # type: ignore[attr-defined]
        return None
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
    headers["Upgrade"] = "websocket"  # the connection takes it out of the head
    if any(each.partition("://")[2] != headers["Host"] for each in headers.get_all("Origin")):
        raise Forbidden("a page of another origin cannot follow a timeline over WebSocket")
    try:
        return ServerProtocol().process_request(Request(scope["path"], headers))[0]
    except InvalidHandshake as error:
        raise Invalid(f"the handshake of the WebSocket: {error}; see RFC 6455, section 4.2.1") from None
