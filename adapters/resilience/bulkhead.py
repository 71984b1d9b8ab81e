"""A sender that never has more in hand than its vendor bears."""

import asyncio
from collections import deque
from typing import Generic

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.messages import M
from adapters.resilience.policy import ResiliencePolicy
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Bulkhead(Sender[M], Generic[M]):
    """Let `concurrency` messages through at a time; the others wait in the order they came.

    After a rest it is one message, and twice as many each time `ramp_seconds` have passed and the vendor answers.
    """

    def __init__(self, inner: Sender[M], policy: ResiliencePolicy, breaker: RateBreaker) -> None:
        self._inner = inner
        self._breaker = breaker
        self._max_in_flight = self._limit = policy.concurrency
        self._ramp_seconds = policy.ramp_seconds
        self._grown = breaker.now()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.under_way = 0

    @property
    def room(self) -> int:
        """How many more it would let through right now."""
        free = self._limit - self.under_way - len(self._waiting)
        return max(free, 0) if self._breaker.closed else self._breaker.probes

    async def send(self, message: M) -> Accepted:
        await self._enter()
        try:
            accepted = await self._inner.send(message)
            self._grow()
            return accepted
        finally:
            self._leave()

    @property
    def _full(self) -> bool:
        """Whether anybody has to wait; nobody does for a vendor that rests, for they are refused at once."""
        return self._breaker.closed and self.under_way >= self._limit

    async def _enter(self) -> None:
        if not self._full and not self._waiting:
            self.under_way += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was ours already
                self._leave()
            raise

    def _leave(self) -> None:
        self.under_way -= 1
        if not self._breaker.closed:
            self._limit, self._grown = 1, self._breaker.now()
        while self._waiting and not self._full:
            place = self._waiting.popleft()
            if not place.done():
                self.under_way += 1
                place.set_result(None)

    def _grow(self) -> None:
        now = self._breaker.now()
        if self._limit < self._max_in_flight and now >= self._grown + self._ramp_seconds:
            self._limit, self._grown = min(2 * self._limit, self._max_in_flight), now
