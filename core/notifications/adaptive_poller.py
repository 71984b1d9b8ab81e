"""When to look again for what others stored, or what falls due, without a bell."""

from asyncio import get_running_loop

MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.05, 2.5
"""Seconds."""


class AdaptivePoller:
    """Look often while there is something to find, and ever more rarely while there is nothing."""

    def __init__(self) -> None:
        self.has_more = False
        """Whether there is something, as far as we know."""
        self._pause = MIN_POLL_INTERVAL_SECONDS
        self._next = self._now()

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return self._now() >= self._next

    @property
    def due_in(self) -> float:
        """The seconds until the next look."""
        return max(self._next - self._now(), 0.0)

    def poll_immediately(self) -> None:
        """Look at once."""
        self.has_more, self._next = True, self._now()

    def note(self, found: int, wanted: int, wait: float) -> None:
        """Look again: at once where all we wanted was found, else after `wait`, or sooner in case others store more."""
        if found == wanted:
            return self.poll_immediately()
        self._pause = MIN_POLL_INTERVAL_SECONDS if found else min(2 * self._pause, MAX_POLL_INTERVAL_SECONDS)
        self.has_more, self._next = False, self._now() + min(wait or self._pause, self._pause)
        return None

    def _now(self) -> float:
        return get_running_loop().time()
