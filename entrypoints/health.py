"""The answers of health checks for a process whose listener has no routes of its own."""

import msgspec

from core.kernel.health import HealthChecks


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
