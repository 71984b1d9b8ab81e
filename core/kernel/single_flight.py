"""Computations in flight, one for each key, so that a value that many want at once is computed once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

from core.kernel.batching import copy_of_failure

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Callers share the computation that began first."""

    def __init__(self) -> None:
        self._flights: dict[str, tuple[str, asyncio.Task[T]]] = {}

    async def share(self, key: str, tag: str, compute: Callable[[], Awaitable[T]]) -> T:
        """Return what a computation returns; it goes on if its callers are cancelled."""
        if key not in self._flights:

            async def fly() -> T:
                return await compute()

            # An empty context: the task works for many requests and must not carry the trace of one.
            flight = asyncio.create_task(fly(), context=Context())
            self._flights[key] = tag, flight
            flight.add_done_callback(lambda _: self._land(key, flight))
        flight = self._flights[key][1]
        await asyncio.wait([flight])
        if flight.cancelled():
            raise asyncio.CancelledError
        if isinstance(failure := flight.exception(), Exception):
            raise copy_of_failure(failure)
        return flight.result()

    def leave(self, tag: str) -> None:
        """Let later callers begin anew, since computations under way may have read what has changed."""
        self._flights = {key: each for key, each in self._flights.items() if each[0] != tag}

    def is_current(self, key: str) -> bool:
        """Return whether the task that asks is the computation that later callers share."""
        return key in self._flights and self._flights[key][1] is asyncio.current_task()

    def _land(self, key: str, flight: asyncio.Task[T]) -> None:
        if not flight.cancelled():
            flight.exception()  # its callers can all be gone
        if key in self._flights and self._flights[key][1] is flight:
            del self._flights[key]
