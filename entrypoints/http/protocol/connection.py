"""A connection of uvicorn that follows RFC 9112, and that no client can hold for longer than the limits allow."""

import asyncio
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from entrypoints.http.protocol.connections import (
    CLIENT_LEFT,
    MIN_BODY_BYTES_PER_SECOND,
    MONITORING_PATHS,
    Connections,
)
from entrypoints.http.protocol.exchange import CarefulExchange, last_response
from entrypoints.http.protocol.head import HEAD_TOO_LARGE, Refusal, judge_head, parse_target
from entrypoints.http.protocol.reading import PacedFlow, PacedReading

log = structlog.get_logger()
MAX_BYTES_WITHOUT_BODY = 64 * 1024
"""The most bytes of chunk extensions and trailers between two parts of a body."""
UNREAD_SECONDS = 30.0
"""The time in which a client reads nothing of its answer."""
MAX_DISCARDED_BYTES = 1024 * 1024
LINGER_SECONDS = 2.0
"""Limits of a body that arrives after its answer; closing at once could destroy the answer (RFC 9112, section 9.6)."""


class Connection(PacedReading):
    """One connection; uvicorn's own handling of upgrades, heads, errors and time-outs is replaced."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        """Pass all other arguments to uvicorn."""
        super().__init__(*arguments, **named)
        self._connections, self._limits = connections, connections.limits
        self._running: RequestResponseCycle | None = None
        self._in_head = self._first = True
        self._mid_request = self._reserved = self._upgrading = False
        self._head_bytes = self._bytes_without_body = self._discarded_bytes = self._unread_bytes = 0
        self._last_words = b""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._running is not None and not self._running.response_complete

    @property
    def paused(self) -> bool:
        """Whether the server takes no bytes from the client at present."""
        return self.flow.read_paused

    # What happens to the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a new connection, or close it."""
        super().connection_made(transport)
        self.flow = PacedFlow(transport, self._schedule)
        admitted = self._connections.admit(self)
        if admitted is None:
            self._deaf = True
            transport.abort()
            return
        self._reserved = admitted
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application that the client has left."""
        self._connections.forget(self)
        running = self._running
        if running is not None and not running.response_complete:
            self._abandon(running, CLIENT_LEFT)
        super().connection_lost(exc)

    def time_out(self) -> None:
        """End the connection of a client that is too slow."""
        if self in self._connections.unread:
            self._check_unread()
        elif self in self._connections.sending and self.paused:
            self._connections.sending[self] = self.loop.time() + self._limits.body_seconds
        elif self._last_words:
            self.transport.abort()
        elif not self._in_head:
            self._end(Refusal(408, "body_timeout", f"no body within {self._limits.body_seconds:g} s"))
        elif self._head_bytes:
            self._end(Refusal(408, "head_timeout", f"no complete head within {self._limits.head_seconds:g} s"))
        else:
            self.transport.abort()

    def evict(self) -> None:
        """End a connection at once; a request whose body is missing is answered before."""
        self._deaf = True
        refusal = Refusal(503, "evicted", "the server has too many connections; send the request again")
        if not self._in_head and self._give_up_body(refusal) and not self.busy:
            self.transport.write(last_response(refusal, self.server_state.default_headers))
            self.transport.close()
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Start the time limit of a client that does not read its answer."""
        super().pause_writing()
        self._start_unread()

    def resume_writing(self) -> None:
        """End the time limit of a client that did not read its answer."""
        super().resume_writing()
        self._connections.unread.pop(self, None)

    def _start_unread(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._connections.unread[self] = self.loop.time() + UNREAD_SECONDS

    def _check_unread(self) -> None:
        """Cut a client that has read nothing of its answer."""
        if self.transport.get_write_buffer_size() < self._unread_bytes:
            self._start_unread()
        else:
            self._connections.refuse("unread_answer")
            self.transport.abort()

    def shutdown(self) -> None:
        """Close after the answer that is being given."""
        if self._running is not None and self.busy:
            self._running.keep_alive = False
        else:
            self.transport.close()

    def _wait(self) -> None:
        """Start the time limit of the next request."""
        if self._first:
            self._connections.beginning[self] = self.loop.time() + self._limits.head_seconds
        else:
            seconds = self._limits.head_seconds if self._head_bytes else self._limits.keep_alive_seconds
            self._connections.idle[self] = self.loop.time() + seconds

    # What arrives

    def _feed(self, data: bytes) -> None:
        """Parse bytes, and start or go on with the time limits."""
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
        if not self._in_head:
            self._go_on_with_body(len(data))
        elif self._mid_request:
            self._head_bytes = self._head_bytes if began_in_head and self._head_bytes else 1
            if self._head_bytes > self._limits.max_head_bytes:
                self._end(self._head_too_large())

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
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))

    def _go_on_with_body(self, size: int) -> None:
        """Extend the time limit of a body by what has arrived of it."""
        now, sending = self.loop.time(), self._connections.sending
        latest = now + self._limits.body_seconds
        sending[self] = min(sending.get(self, latest) + size / MIN_BODY_BYTES_PER_SECOND, latest)
        if self._bytes_without_body > MAX_BYTES_WITHOUT_BODY or len(self.headers) > self._limits.max_headers:
            self._end(Refusal(400, "framing", "the chunk extensions or the trailers are too long"))

    # What the parser reports

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
        self._head_bytes = self._bytes_without_body = 0
        self._connections.beginning.pop(self, None)
        self._connections.idle.pop(self, None)
        self.headers = []  # trailers end here: no application looks at them
        self.cycle = cycle = self._exchange(version)
        if refusal and refusal.closes:
            self._deaf, cycle.keep_alive = True, False
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
        target = None if refusal else parse_target(method, self.url)
        if target:
            scope["raw_path"], scope["path"], scope["query_string"] = target
            if not self._reserved or scope["path"] in MONITORING_PATHS:
                return None
            return Refusal(503, "connections", "the server has too many connections; send the request again", True)
        return refusal or Refusal(400, "target", "the request target is no valid path")

    def _exact_head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_too_large(self) -> Refusal:
        limit = self._limits.max_head_bytes
        return Refusal(431, "head_too_large", f"a head has at most {limit} bytes: {HEAD_TOO_LARGE}")

    def _exchange(self, version: str) -> RequestResponseCycle:
        kind = CarefulExchange if version == "1.0" or self.expect_100_continue else RequestResponseCycle
        return kind(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        self._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Give a part of the body to the application, or discard it after the answer."""
        self._bytes_without_body = 0
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.transport.close()
            return
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
        if not self.cycle.keep_alive:
            self._deaf = True  # whatever follows is not answered
        if self.cycle.response_complete:
            self._wait()
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()

    # What ends

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        self.server_state.total_requests += 1
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
            self._connections.sending[self] = self.loop.time() + LINGER_SECONDS

    def _end(self, refusal: Refusal) -> None:
        """Answer what cannot be read on, after the answers before it; then close."""
        self._deaf = True
        self._connections.refuse(refusal.reason)
        self._connections.sending.pop(self, None)
        if not self._in_head and not self._give_up_body(refusal):
            self.transport.close()
            return
        self._last_words = last_response(refusal, self.server_state.default_headers)
        if not self.busy:
            self._say_last_words()

    def _give_up_body(self, refusal: Refusal) -> bool:
        """Take the unfinished request from the application; return whether it can still be answered."""
        if self.cycle.response_started:
            if not self.cycle.response_complete:
                self._abandon(self.cycle, refusal.status)
            return False
        if self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        else:
            self._abandon(self.cycle, refusal.status)
            self._running = None
        return True

    def _abandon(self, cycle: RequestResponseCycle, status: int) -> None:
        """Let the application see that the client is gone, and logs and metrics the status."""
        cycle.scope.setdefault("ended", status)  # type: ignore[typeddict-item]
        cycle.disconnected = True
        cycle.message_event.set()

    def _say_last_words(self) -> None:
        """Send the last answer, and close once the client had time to read it."""
        if self.transport.is_closing():
            return
        self.transport.write(self._last_words)
        self.transport.write_eof()
        self.flow.backlog = b""
        self.flow.resume_reading()
        self._connections.beginning.pop(self, None)
        self._connections.idle[self] = self.loop.time() + LINGER_SECONDS
