"""Liveness, readiness and metrics of the process."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems

PROBE_TIMEOUT_SECONDS = 2.0
VERDICT_SECONDS = 1.0
"""A verdict is given again for this long: a probe writes to the database, and many monitors may ask."""


class DependencyStatus(msgspec.Struct, frozen=True):
    """The result of the probe of one dependency."""

    name: str
    ready: bool
    detail: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether this process can serve requests."""

    ready: bool
    dependencies: list[DependencyStatus]


@dataclass(slots=True)
class ReadinessCheck:
    """Probes every dependency of this process, once at a time."""

    probes: Sequence[Probe]
    _check: asyncio.Task[Readiness] | None = field(default=None, init=False)
    _valid_until: float = field(default=0.0, init=False)

    async def __call__(self) -> Readiness:
        """Return the verdict that is under way or at most `VERDICT_SECONDS` old, or probe again."""
        now = asyncio.get_running_loop().time()
        if self._check is None or (self._check.done() and now >= self._valid_until):
            self._check = asyncio.create_task(self._probe_all())
        return await asyncio.shield(self._check)  # a client that leaves must not end the check of others

    async def _probe_all(self) -> Readiness:
        """Check all probes concurrently; a probe that exceeds the time limit has failed."""
        statuses = await asyncio.gather(*(check_probe(probe) for probe in self.probes))
        essential = [status.ready for probe, status in zip(self.probes, statuses, strict=True) if probe.essential]
        self._valid_until = asyncio.get_running_loop().time() + VERDICT_SECONDS
        return Readiness(all(essential), list(statuses))


async def check_probe(probe: Probe) -> DependencyStatus:
    """Return the status of one dependency."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            return DependencyStatus(probe.name, True, await probe.check())
    except Unavailable as error:
        return DependencyStatus(probe.name, False, str(error))
    except TimeoutError:
        return DependencyStatus(probe.name, False, f"no answer within {PROBE_TIMEOUT_SECONDS:g} s")


class OperationsController(Controller):
    """Health and metrics."""

    tags = ("Operations",)

    @get("/health/live", operation_id="isLive", responses=problems())
    async def live(self) -> dict[str, bool]:
        """Respond as long as the process runs."""
        return {"live": True}

    @get(
        "/health/ready",
        operation_id="isReady",
        raises=[],
        responses={503: ResponseSpec(Readiness, description="A dependency is unavailable"), **problems()},
    )
    async def ready(self, readiness_check: Wired[ReadinessCheck]) -> Response[Readiness]:
        """Check every dependency: 200, or 503 with those that are unavailable and why."""
        readiness = await readiness_check()
        return Response(readiness, status_code=200 if readiness.ready else 503)

    @get("/metrics", operation_id="exportMetrics", media_type="text/plain", responses=problems())
    async def metrics(self) -> Response[bytes]:
        """Export the metrics of this process, or of all workers of `http.workers`, to Prometheus."""
        registry = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            MultiProcessCollector(registry := CollectorRegistry())  # type: ignore[no-untyped-call]
        text = await asyncio.to_thread(generate_latest, registry)  # with many labels it takes 0.1 s
        return Response[Any](text, headers={"Content-Type": CONTENT_TYPE_LATEST})
