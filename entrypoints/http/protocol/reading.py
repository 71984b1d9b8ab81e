"""Reading from the socket in parts, so that other connections have their turn between them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BYTES_PER_TURN = 32 * 1024
"""The most bytes parsed in one turn of the event loop, which bounds the time that a turn takes."""


class PacedFlow(FlowControl):
    """Flow control of a connection whose bytes are read in parts."""

    def __init__(self, transport: Any, read_on: Callable[[], None]) -> None:
        super().__init__(transport)
        self.backlog, self._read_on = b"", read_on

    def resume_reading(self) -> None:
        """Read the rest of what has arrived before anything else is taken from the socket."""
        if self.backlog:
            self._read_on()
        else:
            super().resume_reading()


class PacedReading(HttpToolsProtocol):
    """A connection that parses a bounded number of bytes in one turn of the event loop."""

    flow: PacedFlow
    _deaf = _reading_on = False

    @abstractmethod
    def _feed(self, data: bytes) -> None:
        """Parse bytes."""

    @property
    def _digested(self) -> bool:
        """Whether the application has taken enough of what was parsed; once it has answered, it takes no more."""
        cycle = self.cycle
        return not self.pipeline and (cycle is None or cycle.response_complete or len(cycle.body) <= HIGH_WATER_LIMIT)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._deaf:
            return
        if self.flow.backlog:
            self.flow.backlog += data
            return
        self._receive(data)

    def _receive(self, data: bytes) -> None:
        """Parse the first bytes now, and the rest in later turns of the event loop."""
        if len(data) > BYTES_PER_TURN:
            self.flow.backlog, data = data[BYTES_PER_TURN:], data[:BYTES_PER_TURN]
            self.flow.pause_reading()
        self._feed(data)
        if self.flow.backlog and self._digested:
            self._schedule()

    def _schedule(self) -> None:
        """Read on in the next turn of the event loop."""
        if not self._reading_on:
            self._reading_on = True
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._reading_on = False
        data, self.flow.backlog = self.flow.backlog, b""
        if self._deaf or self.transport.is_closing():
            return
        self._receive(data)
        if not self.flow.backlog and self._digested:
            self.flow.resume_reading()
