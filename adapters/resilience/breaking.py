"""A sender that leaves a failing vendor alone for a while."""

from typing import Generic, cast

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.messages import M
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Breaking(Sender[M], Generic[M]):
    """Raise `Resting` without asking the vendor while its breaker is open."""

    def __init__(self, inner: Sender[M], breaker: RateBreaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def send(self, message: M) -> Accepted:
        return cast(Accepted, await self._breaker.call_async(self._inner.send, message))
