"""Start-up, liveness, readiness and metrics of the process."""

import os
from typing import Any

from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec

from core.kernel.health import HealthChecks, Readiness
from entrypoints.exposition import METRICS_CONTENT_TYPE, exposition
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems

NOT_READY = {503: ResponseSpec(Readiness, description="An essential dependency is unavailable"), **problems()}


def respond(readiness: Readiness) -> Response[Readiness]:
    """Return a verdict with its status."""
    return Response(readiness, status_code=200 if readiness.ready else 503)


class OperationsController(Controller):
    """Health and metrics."""

    tags = ("Operations",)

    @get("/health/live", operation_id="isLive", responses=problems())
    async def live(self) -> dict[str, bool]:
        """Respond as long as the process runs."""
        return {"live": True}

    @get("/health/started", operation_id="hasStarted", raises=[], responses=NOT_READY)
    async def started(self, health_checks: Wired[HealthChecks]) -> Response[Readiness]:
        """Respond 200 once the process was ready, whatever its dependencies do since; 503 before that."""
        return respond(await health_checks.started())

    @get("/health/ready", operation_id="isReady", raises=[], responses=NOT_READY)
    async def ready(self, health_checks: Wired[HealthChecks]) -> Response[Readiness]:
        """Write to and send through every dependency: 200, or 503 if an essential one fails, why, and what to do."""
        return respond(await health_checks.readiness())

    @get("/metrics", operation_id="exportMetrics", media_type="text/plain", responses=problems())
    async def metrics(self) -> Response[bytes]:
        """Export the metrics of this process, or of all workers of `http.workers`, to Prometheus."""
        text = await exposition(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
        return Response[Any](text, headers={"Content-Type": METRICS_CONTENT_TYPE})
