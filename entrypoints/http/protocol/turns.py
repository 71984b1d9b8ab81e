"""Work on large and refused bodies, which takes a bounded part of the event loop from other requests."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import copy_context

SECONDS_PER_TURN = 0.005
"""A turn starts one request or discards one part of a body, which takes less than a tenth of this time."""


class Turns:
    """A queue of all connections, of which one has its turn at a time."""

    def __init__(self) -> None:
        self._waiting = deque[Callable[[], None]]()
        self._busy = False
        self._context = copy_context()  # an act of one request shall not see the principal of another

    def wait(self, act: Callable[[], None]) -> None:
        """Queue an act; the first one of an empty queue comes in the next turn of the event loop."""
        self._waiting.append(act)
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._next, context=self._context)

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            asyncio.get_running_loop().call_later(SECONDS_PER_TURN, self._next, context=self._context)
            self._waiting.popleft()()
