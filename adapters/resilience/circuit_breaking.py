"""A sender that leaves a failing vendor alone for a while."""

from typing import Generic, cast

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.messages import M
from core.kernel.clock import Clock
from core.notifications.errors import TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class CircuitBreaking(Sender[M], Generic[M]):
    """Raise `BreakerOpen` without asking the vendor while its breaker is open, and `TooLate` when its time is over."""

    def __init__(self, inner: Sender[M], breaker: RateBreaker, clock: Clock) -> None:
        self._inner = inner
        self._breaker = breaker
        self._clock = clock

    async def send(self, message: M) -> Accepted:
        if message.until is not None and self._clock.now() >= message.until:  # this process may have been stopped
            raise TooLate("we had it in hand for too long")
        return cast(Accepted, await self._breaker.call_async(self._inner.send, message))
