"""What the people who run it ask."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
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


class DependencyStatus(msgspec.Struct, frozen=True):
    """What was found of one dependency."""

    name: str
    ready: bool
    detail: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests should be sent here."""

    ready: bool
    dependencies: list[DependencyStatus]


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """Every dependency of this process."""

    each: Sequence[Probe]

    async def __call__(self) -> Readiness:
        """Ask them all at once; whoever does not answer in time is not there."""
        found = await asyncio.gather(*(ask(probe) for probe in self.each))
        essential = [answer.ready for probe, answer in zip(self.each, found, strict=True) if probe.essential]
        return Readiness(all(essential), list(found))


async def ask(probe: Probe) -> DependencyStatus:
    """Ask one dependency."""
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

    @get("/health/live", responses=problems())
    async def live(self) -> dict[str, bool]:
        """Say that the process runs."""
        return {"live": True}

    @get(
        "/health/ready",
        raises=[],
        responses={503: ResponseSpec(Readiness, description="Something is away"), **problems()},
    )
    async def ready(self, probes: Wired[ReadinessCheck]) -> Response[Readiness]:
        """Say whether every dependency answers: 200, or 503 with which does not and why."""
        readiness = await probes()
        return Response(readiness, status_code=200 if readiness.ready else 503)

    @get("/metrics", media_type="text/plain", responses=problems())
    async def metrics(self) -> Response[bytes]:
        """Show the metrics of this process to Prometheus, or of all that `http.workers` started."""
        registry = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            MultiProcessCollector(registry := CollectorRegistry())  # type: ignore[no-untyped-call]
        return Response[Any](generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
