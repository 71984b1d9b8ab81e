"""The part of readiness that only the process itself knows."""

import asyncio

from core.kernel.errors import Unavailable
from core.kernel.health import Probe


class Stopping(Probe):
    """Fails as soon as the process is told to stop, while it still answers for `http.drain_seconds`."""

    name, remedy = "process", "send requests to another process"

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    async def check(self) -> str:
        if self._stop.is_set():
            raise Unavailable("the process is stopping")
        return "serving"
