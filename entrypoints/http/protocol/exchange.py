"""One request and its response, where uvicorn does not follow RFC 9112."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from entrypoints.http.problems import RETRY_AFTER_SECONDS, encode_problem, status_problem
from entrypoints.http.protocol.browser_policy import BROWSER_POLICY, policy_lines
from entrypoints.http.protocol.head import Headers, Refusal

POLICY_NAMES = frozenset(BROWSER_POLICY)
DETACH = "http.response.detach"
"""A message after which the application returns, and `take` gets the exchange, whose answer goes on without a task."""
UPGRADE = "upgrade"
"""Key of the scope: the protocol that the client asks for; the head of the request is without it."""
SWITCHING_PROTOCOLS, STATUSES_WITHOUT_BODY = 101, (204, 304)


class Upgradable(Protocol):
    """A connection whose client asks for another protocol."""

    def switch(self) -> bool:
        """Read no more requests; return False if the client has sent something before it had the answer."""

    def finish(self, words: bytes) -> None:
        """End with these bytes, and close once the client had time to read them."""


class Exchange(RequestResponseCycle):
    """An exchange whose answer tells browsers the policy."""

    public_url = ""
    is_large = False
    """Whether its body is large, or may be as its length is unknown."""
    has_left = False
    """Whether the client left before the exchange was detached."""
    take: Callable[["Exchange"], None] | None = None
    on_left: Callable[[], None] | None = None
    """Called when the client of a detached exchange leaves."""
    connection: Upgradable | None = None
    on_data: Callable[[bytes], object] | None = None
    """Takes what the client sends after the protocol was switched."""
    _unsent_head = b""
    """The head of an answer whose body follows at once."""

    async def run_asgi(self, app: Any) -> None:
        """Answer a request; what only the application needs of a detached one is freed."""
        on_response = self.on_response

        async def answered(*arguments: Any) -> None:
            await app(*arguments)
            # An answer that goes on is for uvicorn a defect, unless the client has left.
            self.has_left, self.disconnected = self.disconnected, self.disconnected or self.take is not None

        await super().run_asgi(answered)
        if self.take and not self.response_complete:
            self.on_response, self.disconnected = on_response, self.has_left
            self.scope.clear()  # type: ignore[attr-defined]
            self.scope["method"] = "GET"  # which `send` reads
            self.take(self)

    @property
    def is_paused(self) -> bool:
        """Whether the client reads too slowly to be sent more."""
        return self.flow.write_paused

    async def send(self, message: Any) -> None:
        """Send a message of ASGI."""
        if message["type"] == DETACH:
            self.take = message["take"]
            return
        if message["type"] != "http.response.start":
            await super().send(self._with_head(message) if self._unsent_head else message)
            return
        if message["status"] == SWITCHING_PROTOCOLS and not self._switch():
            return
        while self.flow.write_paused and not self.disconnected:
            await self.flow.drain()  # here, because below nothing else may write
        if self.response_started:
            raise RuntimeError("the head of the answer is sent twice")
        if not self.disconnected:
            self.response_started, self.waiting_for_100_continue = True, False
            head = self._head(message["status"], message["headers"])
            if self.expected_content_length and self.scope["method"] != "HEAD":
                self._unsent_head = head  # one write with the body: a second one costs 3 % of a submission
            else:
                self.transport.write(head)

    def _with_head(self, message: Any) -> Any:
        """Return the first part of the body with the head before it."""
        head, self._unsent_head = self._unsent_head, b""
        self.expected_content_length += len(head)
        return {**message, "body": head + message.get("body", b"")}

    def _head(self, status: int, stated: Headers) -> bytes:
        """Return the head of the answer, with the policy after the status line."""
        headers = [*self.default_headers, *stated]
        named = dict(headers)
        if HEADER_RE.search(b"".join(named)) or HEADER_VALUE_RE.search(b"".join([value for _, value in headers])):
            raise RuntimeError("a header of the answer has characters that no header may have")
        lines = [STATUS_LINE[status], policy_lines(self.public_url, POLICY_NAMES.intersection(named))]
        lines += [b"%b: %b\r\n" % header for header in headers]
        if CLOSE_HEADER in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None:
            lines.append(self._begin_body(status, named.get(b"content-length")))
        return b"".join([*lines, b"\r\n"])

    def _begin_body(self, status: int, length: bytes | None) -> bytes:
        """Choose how the body ends, and return the line that tells it; none where a length or the status does."""
        if length is not None:
            self.expected_content_length, self.chunked_encoding = int(length), False
        elif self.scope["method"] != "HEAD" and status not in STATUSES_WITHOUT_BODY:
            self.chunked_encoding = True
            return b"transfer-encoding: chunked\r\n"
        return b""

    def _switch(self) -> bool:
        """Switch the protocol; a client that did not wait for the answer is cut, since its bytes are in doubt."""
        if self.connection is None or not self.connection.switch():
            self.transport.close()
            return False
        self.default_headers, self.chunked_encoding, self.keep_alive = [], False, True
        self.on_data = self.body.extend
        return True

    def finish(self, words: bytes) -> None:
        """End an exchange whose protocol was switched."""
        if self.connection and not self.response_complete and not self.disconnected:
            self.on_data = None
            self.connection.finish(words)


class CarefulExchange(Exchange):
    """An exchange with a client of HTTP/1.0, or with one that expects `100 Continue`."""

    async def send(self, message: Any) -> None:
        """Send a message of ASGI."""
        if message["type"] == "http.response.start":
            if self.waiting_for_100_continue:  # the client sends no body, and its next request would be read as one
                self.keep_alive = False
            self._frame(message)
        elif self.chunked_encoding is False and self._ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def _frame(self, message: Any) -> None:
        """Let the end of the connection be the end of a body without a length: HTTP/1.0 has no chunks."""
        lengths = [name for name, _ in message["headers"] if name.lower() == b"content-length"]
        self._ends_with_connection = self.scope["http_version"] == "1.0" and not lengths
        if self._ends_with_connection:
            self.chunked_encoding = False

    _ends_with_connection = False


class LastTransport:
    """The transport of the last exchange of a connection, whose end must not destroy the answer.

    An operating system that closes a connection with unread bytes resets it (RFC 9112, section 9.6).
    """

    def __init__(self, transport: asyncio.Transport, is_read: Callable[[], bool]) -> None:
        self._transport, self._is_read = transport, is_read
        self.write, self.is_closing = transport.write, transport.is_closing

    def close(self) -> None:
        """Close, or only end the answer while the request still arrives."""
        if self._is_read():
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()


def last_response(refusal: Refusal, headers: Headers, public_url: str) -> bytes:
    """Return the response to a request that cannot be read, which ends the connection."""
    body = encode_problem(status_problem(refusal.status, refusal.detail))
    lines = [
        *headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        lines.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
    stated = policy_lines(public_url) + b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"%b%b\r\n%b" % (STATUS_LINE[refusal.status], stated, body)
