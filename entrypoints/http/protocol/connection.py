"""A connection of uvicorn that follows RFC 9112, and that no client can hold for longer than the limits allow."""

import asyncio
from functools import partial
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.flow_control import CLOSE_HEADER, HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from entrypoints.http.protocol.connections import (
    MIN_BODY_BYTES_PER_SECOND,
    MONITORING_PATHS,
    Connections,
)
from entrypoints.http.protocol.ending import LINGER_SECONDS, EndingConnection
from entrypoints.http.protocol.exchange import UPGRADE, CarefulExchange, Exchange, LastTransport
from entrypoints.http.protocol.head import (
    HEAD_TOO_LARGE,
    UNEXPECTED_BODY,
    Refusal,
    announced_bytes,
    judge_head,
    parse_target,
)

log = structlog.get_logger()
MAX_BYTES_WITHOUT_BODY = 64 * 1024
"""The most bytes of chunk extensions and trailers between two parts of a body."""
MAX_KEPT_BYTES = 64 * 1024
"""The most of an incomplete body that is kept: larger ones are refused, or read as a stream."""
MAX_DISCARDED_BYTES = 1024 * 1024
"""The most of a body that is read after its answer; closing at once could destroy the answer (RFC 9112, 9.6)."""


class Connection(EndingConnection):
    """One connection; uvicorn's own handling of upgrades, heads, errors and time-outs is replaced."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        """Pass all other arguments to uvicorn."""
        super().__init__(connections, *arguments, **named)
        self._first = True
        self._mid_request = self._reserved = self._upgrading = False
        self._bytes_without_body = self._held = 0
        self._asked = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a new connection, or close it."""
        super().connection_made(transport)
        admitted = self._connections.admit(self)
        if admitted is None:
            self._deaf = True
            transport.abort()
            return
        self._reserved = admitted
        self._wait()

    def _wait(self) -> None:
        """Start the time limit of the next request."""
        if self._first:
            self._connections.beginning[self] = self.loop.time() + self._limits.head_seconds
        else:
            seconds = self._limits.head_seconds if self._head_bytes else self._limits.keep_alive_seconds
            self._connections.idle[self] = self.loop.time() + seconds

    def _feed(self, data: bytes) -> None:
        """Parse bytes, and start or go on with the time limits."""
        if taker := self._taker:
            taker(data)
            return
        if not self._mid_request and not data.strip(b"\r\n"):
            return  # RFC 9112, section 2.2: empty lines before a request are nothing
        if began_in_head := self._in_head:
            if not self._head_bytes and self in self._connections.idle:
                self._connections.idle[self] = self.loop.time() + self._limits.head_seconds
            self._head_bytes += len(data)
        else:
            self._bytes_without_body += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, Exception) and not self._deaf:  # a defect of a method below
                log.error("internal_error", exc_info=error.__context__)
            if not self._deaf:
                self._end(Refusal(400, "malformed", f"the request is no valid HTTP: {error.args[0]}"))
        if self._deaf:
            return
        self._note_held()
        if self._deaf:
            return
        if not self._in_head:
            self._go_on_with_body(len(data))
        elif self._mid_request:
            self._head_bytes = self._head_bytes if began_in_head and self._head_bytes else 1
            if self._head_bytes > self._limits.max_head_bytes:
                self._end(self._head_too_large())

    def _note_held(self) -> None:
        """Count what waits for the rest of its request: of a body, what the application keeps at most."""
        size = 0
        if not self._deaf and not self._in_head and not self.cycle.response_complete:
            size = min(self._body_bytes, MAX_KEPT_BYTES)
        if size != self._held:
            self._held = size
            self._connections.hold(self, size)

    def _parse(self, data: bytes) -> None:
        """Parse bytes; a refused upgrade is parsed again without it, since the parser skips the body of the first."""
        while not self._deaf:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._upgrading, self.parser = False, httptools.HttpRequestParser(self)

    def _head_without_upgrade(self) -> bytes:
        self._asked = b", ".join(value for name, value in self.headers if name == b"upgrade")
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))

    def _go_on_with_body(self, size: int) -> None:
        """Extend the time limit of a body by what has arrived of it."""
        deadlines, seconds = self._connections.sending, self._limits.body_seconds
        if self._answered_early:
            deadlines, seconds = self._connections.lingering, LINGER_SECONDS
        latest = self.loop.time() + seconds
        deadlines[self] = min(deadlines.get(self, latest) + size / MIN_BODY_BYTES_PER_SECOND, latest)
        if self._bytes_without_body > MAX_BYTES_WITHOUT_BODY or len(self.headers) > self._limits.max_headers:
            self._end(Refusal(400, "framing", "the chunk extensions or the trailers are too long"))

    def on_message_begin(self) -> None:
        """Begin a request; after the last one of this connection, raise."""
        if self._deaf:
            raise ConnectionAbortedError
        self._mid_request = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the answer to a request, or queue it behind the answers before it."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if self.parser.should_upgrade() and method != b"CONNECT":
            self._upgrading = True
            return
        scope: Any = self.scope
        scope["method"], scope["http_version"] = method.decode("ascii"), version
        if refusal := self._judge(method, version):
            scope["refusal"] = refusal
            self._connections.refuse(refusal.reason)
        self._in_head = self._first = False
        self._announced_bytes = announced_bytes(self.headers)
        self._head_bytes = self._bytes_without_body = self._body_bytes = 0
        self._connections.beginning.pop(self, None)
        self._connections.idle.pop(self, None)
        self.headers = []  # trailers end here: no application looks at them
        self.cycle = cycle = self._exchange(version, last=refusal is not None and refusal.closes)
        if self._asked:
            scope[UPGRADE], cycle.connection, self._asked = self._asked, self, b""
        self._deaf = self._deaf or (refusal is not None and refusal.closes)
        if self.busy:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))
        else:
            self._start(cycle, self.app)

    def _judge(self, method: bytes, version: str) -> Refusal | None:
        """Set the path of a request; return its refusal."""
        scope: Any = self.scope
        scope["raw_path"], scope["path"], scope["query_string"] = b"/", "/", b""
        if self._head_bytes > self._limits.max_head_bytes and self._exact_head_bytes() > self._limits.max_head_bytes:
            return self._head_too_large()
        refusal = judge_head(method, version, self.url, self.headers, self._limits.max_headers)
        routed = refusal is None or refusal.reason == UNEXPECTED_BODY  # the answer to the latter depends on the route
        target = parse_target(method, self.url) if routed else None
        if target:
            scope["raw_path"], scope["path"], scope["query_string"] = target
            if not self._reserved or scope["path"] in MONITORING_PATHS:
                return refusal
            return Refusal(503, "connections", "the server has too many connections; send the request again", True)
        return refusal or Refusal(400, "target", "the request target is no valid path")

    def _exact_head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_too_large(self) -> Refusal:
        limit = self._limits.max_head_bytes
        return Refusal(431, "head_too_large", f"a head has at most {limit} bytes: {HEAD_TOO_LARGE}")

    def _exchange(self, version: str, *, last: bool) -> Exchange:
        kind = CarefulExchange if version == "1.0" or self.expect_100_continue else Exchange
        draining, headers = self._connections.draining, self.server_state.default_headers
        keep_alive = not last and not draining and version != "1.0" and self.parser.should_keep_alive()
        transport: Any = self.transport if keep_alive else LastTransport(self.transport, lambda: self._in_head)
        exchange = kind(
            scope=self.scope,
            transport=transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=[*headers, CLOSE_HEADER] if draining else headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        exchange.public_url = self._limits.public_url
        exchange.is_large = self._announced_bytes is None or self._announced_bytes > MAX_KEPT_BYTES
        return exchange

    def _start(self, cycle: Any, app: Any) -> None:
        """Start a request; one with a large body waits for its turn, since it is refused or takes long anyway."""
        self._running = cycle
        if not cycle.is_large:
            self._start_asgi_task(cycle, app)
            return
        self._starting = True
        self.flow.pause_reading()
        self._connections.turns.wait(partial(self._start_in_turn, cycle, app))

    def _start_in_turn(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._starting = False
        self._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Give a part of the body to the application, or discard it after the answer."""
        self._bytes_without_body = 0
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.transport.close()
            return
        self._body_bytes += len(body)
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End a request."""
        if self._upgrading:
            return
        self._mid_request, self._in_head, self._discarded_bytes = False, True, 0
        self._connections.sending.pop(self, None)
        self._connections.lingering.pop(self, None)
        if not self.cycle.keep_alive:
            self._deaf = True  # whatever follows is not answered
        if self.cycle.response_complete:
            self._wait() if self.cycle.keep_alive else self.transport.close()
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        self.server_state.total_requests += 1
        self._note_held()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(*self.pipeline.pop())
        elif self._last_words:
            self._say_last_words()
        elif self._in_head:
            self._wait()
        else:
            self._connections.sending.pop(self, None)
            self.cycle.body = bytearray()
            self._connections.lingering[self] = self.loop.time() + LINGER_SECONDS
            self._discard_later()
