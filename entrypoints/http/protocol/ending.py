"""The ends of a connection: the client leaves, is too slow, or sends what cannot be read."""

import fcntl
import termios
from array import array
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from entrypoints.http.protocol.connections import CLIENT_LEFT, Connections
from entrypoints.http.protocol.exchange import Exchange, last_response
from entrypoints.http.protocol.head import Refusal
from entrypoints.http.protocol.reading import BYTES_PER_TURN, DISCARDED_PER_TURN, PacedReading

UNREAD_SECONDS = 30.0
"""The time in which a client reads nothing of its answer."""
LINGER_SECONDS = 2.0
"""The time in which what a client still sends is discarded, so that it can read its answer (RFC 9112, section 9.6)."""
FRAME_BYTES_PER_TURN = 1024
"""The most bytes of a WebSocket parsed in one turn: a frame of 6 bytes costs more than a part of a body."""


class EndingConnection(PacedReading):
    """A connection that ends in time, and tells its client and the application why."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        """Pass all other arguments to uvicorn."""
        super().__init__(*arguments, **named)
        self._connections, self._limits = connections, connections.limits
        self._running: Exchange | None = None
        self._in_head = True
        self._announced_bytes: int | None = 0
        self._body_bytes = self._discarded_bytes = 0
        self._head_bytes = self._unread_bytes = 0
        self._last_words = b""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self._running is not None and not self._running.response_complete

    @property
    def paused(self) -> bool:
        """Whether the server takes no bytes from the client at present."""
        return self.flow.read_paused

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
        elif self in self._connections.lingering and self.paused:
            self._connections.lingering[self] = self.loop.time() + LINGER_SECONDS
        elif not self._in_head:
            self._end(Refusal(408, "body_timeout", f"no body within {self._limits.body_seconds:g} s"))
        elif self._head_bytes:
            self._end(Refusal(408, "head_timeout", f"no complete head within {self._limits.head_seconds:g} s"))
        else:
            self.transport.abort()

    def cut(self) -> None:
        """End an upload whose bytes take the place of others."""
        self._end(Refusal(408, "bytes_under_way", "all uploads together are too large; send this one again, faster"))
        self._connections.hold(self, 0)

    def evict(self) -> None:
        """End a connection at once; a request whose body is missing is answered before."""
        self._deaf = True
        refusal = Refusal(503, "evicted", "the server has too many connections; send the request again")
        if not self._in_head and self._give_up_body(refusal) and not self.busy:
            self.transport.write(self._last_response(refusal))
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
        self._unread_bytes = self._count_unread()
        self._connections.unread[self] = self.loop.time() + UNREAD_SECONDS

    def _count_unread(self) -> int:
        """Return the bytes of the answer that the client has not acknowledged; Linux tells those in the kernel."""
        in_kernel = array("i", [0])
        with suppress(OSError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, in_kernel)
        return int(self.transport.get_write_buffer_size()) + in_kernel[0]

    def _check_unread(self) -> None:
        """Cut a client that has read nothing of its answer."""
        if self._count_unread() < self._unread_bytes:
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

    def switch(self) -> bool:
        """Read no more requests; return False if the client has sent something before it had the answer."""
        self._deaf = False  # the answer is not the last thing that is read, also while the process ends
        return self._in_head and not (self._head_bytes or self.pipeline or self._last_words)

    def finish(self, words: bytes) -> None:
        """End a connection whose protocol was switched with these bytes."""
        self._deaf, self._last_words = True, words
        if self._running is not None:
            self._running.response_complete = True
            self._running.on_response()

    @property
    def _taker(self) -> Callable[[bytes], object] | None:
        """What takes the bytes of the client after the protocol was switched."""
        return self._running.on_data if self._running else None

    def _end(self, refusal: Refusal) -> None:
        """Answer what cannot be read on, after the answers before it; then close."""
        self._deaf = True
        self._connections.refuse(refusal.reason)
        self._connections.sending.pop(self, None)
        if not self._in_head and not self._give_up_body(refusal):
            self.transport.close()
            return
        self._last_words = self._last_response(refusal)
        if not self.busy:
            self._say_last_words()

    @property
    def _answered_early(self) -> bool:
        """Whether the client still sends a body after its answer."""
        return not self._in_head and self.cycle.response_complete

    @property
    def bytes_per_turn(self) -> int:
        """The most bytes that the next turn takes from the socket."""
        if self._deaf:
            return DISCARDED_PER_TURN
        if self._taker:
            return FRAME_BYTES_PER_TURN
        if self._in_head or not self.cycle.response_complete:
            return BYTES_PER_TURN
        missing = (self._announced_bytes or 0) - self._body_bytes - self._discarded_bytes
        return max(BYTES_PER_TURN, min(missing, DISCARDED_PER_TURN))

    def _discard_later(self) -> None:
        """Take no bytes until there is a turn to discard them."""
        self.flow.pause_reading()
        if not self._discarding:
            self._discarding = True
            self._connections.turns.wait(self._discard)

    def _discard(self) -> None:
        self._discarding = False
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _last_response(self, refusal: Refusal) -> bytes:
        return last_response(refusal, self.server_state.default_headers, self._limits.public_url)

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
        cycle.body = bytearray()
        cycle.message_event.set()
        if on_left := getattr(cycle, "on_left", None):
            on_left()

    def _say_last_words(self) -> None:
        """Send the last answer, and close once the client had time to read it."""
        if self.transport.is_closing():
            return
        self.transport.write(self._last_words)
        self.transport.write_eof()
        self._connections.beginning.pop(self, None)
        self._connections.idle.pop(self, None)
        self._connections.lingering[self] = self.loop.time() + LINGER_SECONDS
        self._discard_later()
