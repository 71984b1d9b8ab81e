"""Limits the calls in flight at one vendor."""

import asyncio
from collections import deque
from typing import Generic

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.calls import A, Caller, Q
from adapters.resilience.policy import ResiliencePolicy


class Bulkhead(Caller[Q, A], Generic[Q, A]):
    """Makes at most `max_in_flight` calls at a time; others wait in order of arrival.

    After the breaker was open the limit is one, and doubles when a call succeeds, at most once in
    `ramp_seconds`.
    """

    def __init__(self, inner: Caller[Q, A], policy: ResiliencePolicy, breaker: RateBreaker) -> None:
        self._inner = inner
        self._breaker = breaker
        self._max_in_flight = self._limit = policy.max_in_flight
        self._ramp_seconds = policy.ramp_seconds
        self._raised_at = breaker.now()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.under_way = 0

    @property
    def capacity(self) -> int:
        """How many more calls could be made now without waiting."""
        free = self._limit - self.under_way - len(self._waiting)
        return max(free, 0) if self._breaker.closed else self._breaker.probes

    async def send(self, request: Q) -> A:
        await self._enter()
        try:
            answer = await self._inner.send(request)
            self._grow()
            return answer
        finally:
            self._leave()

    @property
    def _full(self) -> bool:
        """Whether a call has to wait; with an open breaker it is refused instead."""
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
            if not place.cancelled():  # the place was granted before the cancellation
                self._leave()
            raise

    def _leave(self) -> None:
        self.under_way -= 1
        if not self._breaker.closed:
            self._limit, self._raised_at = 1, self._breaker.now()
        while self._waiting and not self._full:
            place = self._waiting.popleft()
            if not place.done():
                self.under_way += 1
                place.set_result(None)

    def _grow(self) -> None:
        now = self._breaker.now()
        if self._limit < self._max_in_flight and now >= self._raised_at + self._ramp_seconds:
            self._limit, self._raised_at = min(2 * self._limit, self._max_in_flight), now
