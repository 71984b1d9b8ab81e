"""Blocks calls to a failing vendor."""

from typing import Generic, cast

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.messages import M
from core.kernel.clock import Clock
from core.notifications.errors import TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class CircuitBreaking(Sender[M], Generic[M]):
    """Raises `BreakerOpen` without a call while the breaker is open, and `TooLate` after the message's deadline."""

    def __init__(self, inner: Sender[M], breaker: RateBreaker, clock: Clock) -> None:
        self._inner = inner
        self._breaker = breaker
        self._clock = clock

    async def send(self, message: M) -> Accepted:
        if message.until is not None and self._clock.now() >= message.until:  # the process may have been suspended
            raise TooLate("the lease of the delivery expired before the call")
        return cast(Accepted, await self._breaker.call_async(self._inner.send, message))
