"""What happened lately."""

from collections import deque
from collections.abc import Callable

MonotonicClock = Callable[[], float]
"""A time that never runs backwards, in seconds: `time.monotonic`."""


class SlidingWindow:
    """A count of the last `seconds`."""

    def __init__(self, seconds: float, now: MonotonicClock) -> None:
        self._seconds = seconds
        self._now = now
        self._moments: deque[float] = deque()

    def add(self) -> None:
        """Count one now."""
        self._moments.append(self._now())
        self._forget()

    def clear(self) -> None:
        """Forget everything."""
        self._moments.clear()

    def __len__(self) -> int:
        self._forget()
        return len(self._moments)

    def _forget(self) -> None:
        horizon = self._now() - self._seconds
        while self._moments and self._moments[0] <= horizon:
            self._moments.popleft()
