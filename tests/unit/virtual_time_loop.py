"""An event loop for tests, which the hooks of pytest read."""

import asyncio


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that advances its clock to the next timer when all tasks wait."""

    _passed = 0.0

    def time(self) -> float:
        return self._passed

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            # A little later than the timer: a loop that wakes too early by rounding would repeat this for ever.
            self._passed = max(self._passed, self._scheduled[0].when()) + 1e-6  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads as long as they take: the time limit of newer versions of Python is virtual, too."""
        await super().shutdown_default_executor()
