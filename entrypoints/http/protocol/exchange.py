"""One request and its response, where uvicorn does not follow RFC 9112."""

from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from entrypoints.http.problems import RETRY_AFTER_SECONDS, status_problem
from entrypoints.http.protocol.head import Headers, Refusal


class CarefulExchange(RequestResponseCycle):
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


def last_response(refusal: Refusal, headers: Headers) -> bytes:
    """Return the response to a request that cannot be read, which ends the connection."""
    body = msgspec.json.encode(status_problem(refusal.status, refusal.detail))
    lines = [
        *headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        lines.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
    return b"%b%b\r\n%b" % (STATUS_LINE[refusal.status], b"".join(b"%b: %b\r\n" % line for line in lines), body)
