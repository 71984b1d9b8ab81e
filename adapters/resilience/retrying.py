"""Retries calls that found the vendor unavailable."""

from collections.abc import Awaitable, Callable
from typing import Generic

import backoff

from adapters.resilience.breaker import BreakerOpen
from adapters.resilience.budget import RetryBudget
from adapters.resilience.calls import A, Caller, Q
from adapters.resilience.hold import VendorHeld
from adapters.resilience.policy import ResiliencePolicy
from core.kernel.vendor_errors import AccountFault, VendorUnavailable
from core.notifications.errors import TooLate

MAX_RETRY_WAIT_SECONDS = 2.0
"""A longer wait belongs in the queue, where it survives a restart and blocks no other delivery."""
Sleep = Callable[[float], Awaitable[object]]


class Retrying(Caller[Q, A], Generic[Q, A]):
    """Retries after `VendorUnavailable` with growing waits, not before `retry_after`, within the retry budget."""

    def __init__(self, inner: Caller[Q, A], policy: ResiliencePolicy, budget: RetryBudget, sleep: Sleep) -> None:
        self._inner = inner
        self._max_attempts = policy.max_attempts
        self._base = policy.retry_base_seconds
        self._budget = budget
        self._sleep = sleep

    async def send(self, request: Q) -> A:
        # Only the waits come from backoff: its loop ignores Retry-After and logs answers of vendors.
        waits = backoff.expo(factor=self._base)
        next(waits)  # the first value of backoff's generators is None
        for _ in range(self._max_attempts - 1):
            try:
                return await self._inner.send(request)
            except (BreakerOpen, VendorHeld, TooLate, AccountFault):
                raise
            except VendorUnavailable as error:
                wait = (error.retry_after or 0.0) + backoff.full_jitter(next(waits))
                if (error.retry_after or 0.0) > MAX_RETRY_WAIT_SECONDS or not self._budget.spend():
                    raise
            await self._sleep(wait)
        return await self._inner.send(request)
