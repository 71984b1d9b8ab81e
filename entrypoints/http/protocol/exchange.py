"""One request and its response, where uvicorn does not follow RFC 9112."""

from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


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


class PacedFlow(FlowControl):
    """Flow control of a connection whose bytes are read in parts."""

    def __init__(self, transport: Any, read_on: Any) -> None:
        super().__init__(transport)
        self.backlog, self._read_on = b"", read_on

    def resume_reading(self) -> None:
        """Read the rest of what has arrived before anything else is taken from the socket."""
        if self.backlog:
            self._read_on()
        else:
            super().resume_reading()
