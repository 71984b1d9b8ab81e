"""Counts events of the last seconds."""

from collections import deque
from collections.abc import Callable

MonotonicClock = Callable[[], float]
"""Returns seconds that never decrease, as `time.monotonic`."""


class SlidingWindow:
    """The number of events of the last `seconds`."""

    def __init__(self, seconds: float, now: MonotonicClock) -> None:
        self._seconds = seconds
        self._now = now
        self._moments: deque[float] = deque()

    def add(self) -> None:
        """Count an event now."""
        self._moments.append(self._now())
        self._forget()

    def clear(self) -> None:
        """Start again at zero."""
        self._moments.clear()

    def __len__(self) -> int:
        self._forget()
        return len(self._moments)

    def _forget(self) -> None:
        horizon = self._now() - self._seconds
        while self._moments and self._moments[0] <= horizon:
            self._moments.popleft()
