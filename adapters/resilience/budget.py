"""How many retries a vendor in trouble has to bear."""

from adapters.resilience.policy import Policy
from adapters.resilience.window import Now, Window

FLOOR = 3
"""Retries allowed in any window, so that a quiet hour can retry at all."""


class RetryBudget:
    """Retries may add a share of the calls in the window, never more than that share or the floor."""

    def __init__(self, policy: Policy, now: Now) -> None:
        self._percent = policy.retry_budget_percent
        self._calls = Window(policy.window_seconds, now)
        self._retries = Window(policy.window_seconds, now)

    def call(self) -> None:
        """Count a first try."""
        self._calls.add()

    def spend(self) -> bool:
        """Count a retry if there is one left."""
        left = max(len(self._calls) * self._percent // 100, FLOOR if self._percent else 0) - len(self._retries)
        if left > 0:
            self._retries.add()
        return left > 0
