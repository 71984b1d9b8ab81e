"""The interval between polls for work that no signal of this process announces."""

from asyncio import get_running_loop

MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.05, 2.5


class AdaptivePoller:
    """Schedules the next poll: at once after a full result, with a doubling interval after empty ones."""

    def __init__(self) -> None:
        self.has_more = False
        """Whether the last poll returned as much as it asked for, or a signal arrived since."""
        self._interval = MIN_POLL_INTERVAL_SECONDS
        self._next = self._now()

    @property
    def due(self) -> bool:
        """Whether the next poll is due."""
        return self._now() >= self._next

    @property
    def due_in(self) -> float:
        """The seconds until the next poll."""
        return max(self._next - self._now(), 0.0)

    def poll_immediately(self) -> None:
        """Make the next poll due now."""
        self.has_more, self._next = True, self._now()

    def record_poll(self, found: int, wanted: int, wait: float) -> None:
        """Schedule the poll after one that found `found` of `wanted`: at most `wait` seconds later if that is not 0."""
        if found == wanted:
            return self.poll_immediately()
        self._interval = MIN_POLL_INTERVAL_SECONDS if found else min(2 * self._interval, MAX_POLL_INTERVAL_SECONDS)
        self.has_more, self._next = False, self._now() + min(wait or self._interval, self._interval)
        return None

    def _now(self) -> float:
        return get_running_loop().time()
