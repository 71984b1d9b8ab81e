"""What a process answers about its health: the part that only it knows, and answers without routes of HTTP."""

import asyncio

import msgspec

from core.kernel.errors import Unavailable
from core.kernel.health import HealthChecks, Probe


class Stopping(Probe):
    """Fails as soon as the process is told to stop, while it still answers for `http.drain_seconds`."""

    name, remedy = "process", "send requests to another process"

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    async def check(self) -> str:
        if self._stop.is_set():
            raise Unavailable("the process is stopping")
        return "serving"


async def answer(checks: HealthChecks, path: str) -> tuple[int, bytes] | None:
    """Return status and JSON of `/health/started`, `/health/live` or `/health/ready`; None for another path."""
    match path:
        case "/health/live":
            return 200, b'{"live":true}'
        case "/health/started":
            readiness = await checks.started()
        case "/health/ready":
            readiness = await checks.readiness()
        case _:
            return None
    return 200 if readiness.ready else 503, msgspec.json.encode(readiness)
