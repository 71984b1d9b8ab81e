"""Reading from the socket in parts, so that other connections have their turn between them."""

import asyncio
from abc import abstractmethod

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BYTES_PER_TURN = 32 * 1024
"""The most bytes parsed in one turn of the event loop, which bounds the time that a turn takes."""
DISCARDED_PER_TURN = 256 * 1024
"""The most bytes of a body that are discarded in one turn, which parses nothing else."""
RECEIVED = memoryview(bytearray(DISCARDED_PER_TURN))
"""Filled and copied within one call of the event loop, so that all connections share it."""


class PacedReading(HttpToolsProtocol):
    """A connection that takes a bounded number of bytes from the socket in one turn of the event loop."""

    _deaf = _reading_on = _starting = _discarding = False

    @abstractmethod
    def _feed(self, data: bytes) -> None:
        """Parse bytes."""

    @property
    @abstractmethod
    def _answered_early(self) -> bool:
        """Whether the client still sends a body after its answer."""

    @abstractmethod
    def _discard_later(self) -> None:
        """Take no bytes until there is a turn to discard them."""

    @property
    @abstractmethod
    def bytes_per_turn(self) -> int:
        """The most bytes that the next turn takes from the socket."""

    @property
    def _digested(self) -> bool:
        """Whether the next bytes can be taken: none wait for the application or for a turn."""
        waits = self.pipeline or self._starting or self._discarding
        return not waits and (self.cycle is None or len(self.cycle.body) <= HIGH_WATER_LIMIT)

    def data_received(self, data: bytes) -> None:
        """Parse bytes; those that have arrived behind them are read in a later turn of the event loop."""
        unwanted = self._deaf
        if not unwanted:
            self._feed(data)
        if self.transport.is_closing():
            return
        if unwanted or self._answered_early:
            self._discard_later()
        elif len(data) >= BYTES_PER_TURN and self._digested:
            self.flow.pause_reading()
            self._schedule()

    def _schedule(self) -> None:
        """Read on in the next turn of the event loop."""
        if not self._reading_on:
            self._reading_on = True
            self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        self._reading_on = False
        if self._digested and not self.transport.is_closing():
            self.flow.resume_reading()


class BoundedReads(asyncio.BufferedProtocol):
    """Gives a connection as many bytes as it takes in one turn; otherwise the event loop chooses how many."""

    def __init__(self, connection: PacedReading) -> None:
        self._connection = connection
        self.connection_made = connection.connection_made  # type: ignore[assignment, method-assign]
        self.connection_lost = connection.connection_lost  # type: ignore[method-assign]
        self.eof_received = connection.eof_received  # type: ignore[method-assign]
        self.pause_writing = connection.pause_writing  # type: ignore[method-assign]
        self.resume_writing = connection.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as asyncio calls it
        """Return the memory for the next bytes of the client."""
        return RECEIVED[: self._connection.bytes_per_turn]

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes from the client."""
        self._connection.data_received(bytes(RECEIVED[:nbytes]))
