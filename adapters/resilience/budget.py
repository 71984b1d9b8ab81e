"""Limits the share of retries among the calls to a vendor."""

from prometheus_client import Counter

from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.sliding_window import MonotonicClock, SlidingWindow

MIN_RETRIES_PER_WINDOW = 3
"""Retries allowed in any window, however few the calls."""


class RetryBudget:
    """Allows `retry_budget_percent` of the first attempts in the window, at least `MIN_RETRIES_PER_WINDOW`."""

    def __init__(self, policy: ResiliencePolicy, now: MonotonicClock, spent: Counter) -> None:
        self._spent = spent
        self._percent = policy.retry_budget_percent
        self._calls = SlidingWindow(policy.window_seconds, now)
        self._retries = SlidingWindow(policy.window_seconds, now)

    def call(self) -> None:
        """Count a call, first attempt or retry; a call that the open breaker refuses is not counted."""
        self._calls.add()

    def spend(self) -> bool:
        """Count a retry and return True, if the budget has one left."""
        retries = len(self._retries)
        first_tries = len(self._calls) - retries
        affordable = retries < max(first_tries * self._percent // 100, MIN_RETRIES_PER_WINDOW if self._percent else 0)
        if affordable:
            self._retries.add()
            self._spent.inc()
        return affordable
