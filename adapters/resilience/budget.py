"""How many retries a vendor in trouble has to bear."""

from prometheus_client import Counter

from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.sliding_window import MonotonicClock, SlidingWindow

MIN_RETRIES_PER_WINDOW = 3
"""Retries allowed in any window, so that a quiet hour can retry at all."""


class RetryBudget:
    """Retries may add a share of the calls in the window, never more than that share or the floor."""

    def __init__(self, policy: ResiliencePolicy, now: MonotonicClock, spent: Counter) -> None:
        self._spent = spent
        self._percent = policy.retry_budget_percent
        self._calls = SlidingWindow(policy.window_seconds, now)
        self._retries = SlidingWindow(policy.window_seconds, now)

    def call(self) -> None:
        """Count a call of the vendor, a retry or not; a message that was refused while it rests is none."""
        self._calls.add()

    def spend(self) -> bool:
        """Count a retry if there is one left."""
        retries = len(self._retries)
        first_tries = len(self._calls) - retries
        affordable = retries < max(first_tries * self._percent // 100, MIN_RETRIES_PER_WINDOW if self._percent else 0)
        if affordable:
            self._retries.add()
            self._spent.inc()
        return affordable
