"""A sender that asks again."""

from collections.abc import Awaitable, Callable
from typing import Generic

import backoff

from adapters.resilience.breaker import BreakerOpen
from adapters.resilience.budget import RetryBudget
from adapters.resilience.messages import M
from adapters.resilience.policy import ResiliencePolicy
from core.notifications.errors import TooLate, VendorUnavailable
from core.notifications.messages import Accepted
from core.notifications.ports import Sender

MAX_RETRY_WAIT_SECONDS = 2.0
"""A longer wait belongs in the queue, where it survives a restart and holds up nobody."""
Sleep = Callable[[float], Awaitable[object]]


class Retrying(Sender[M], Generic[M]):
    """Ask again after `VendorUnavailable`: later each time, never sooner than the vendor said, within a budget."""

    def __init__(self, inner: Sender[M], policy: ResiliencePolicy, budget: RetryBudget, sleep: Sleep) -> None:
        self._inner = inner
        self._tries = policy.tries
        self._base = policy.retry_base_seconds
        self._budget = budget
        self._sleep = sleep

    async def send(self, message: M) -> Accepted:
        # backoff gives the waits, but not the loop: its own undercuts Retry-After and logs what vendors say.
        waits = backoff.expo(factor=self._base)
        next(waits)  # backoff's generators answer nothing the first time
        for _ in range(self._tries - 1):
            try:
                return await self._inner.send(message)
            except (BreakerOpen, TooLate):
                raise
            except VendorUnavailable as error:
                wait = (error.retry_after or 0.0) + backoff.full_jitter(next(waits))
                if (error.retry_after or 0.0) > MAX_RETRY_WAIT_SECONDS or not self._budget.spend():
                    raise
            await self._sleep(wait)
        return await self._inner.send(message)
