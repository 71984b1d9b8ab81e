"""What counts as failed is what an outage or a defect prevented, of each kind of work."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.messaging.outbox import MemoryOutbox
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals
from entrypoints.http.middleware.tracing import TracingMiddleware
from entrypoints.periodic import run_every
from entrypoints.relay.relay import Relay
from tests.examples import StoppedClock


def counts(transport: str) -> tuple[float, float]:
    """Return how much was done, and how much failed."""
    labels = {"transport": transport, "worker": "0"}
    done, failed = (
        REGISTRY.get_sample_value("bursar_effects_total", labels | {"outcome": outcome}) or 0.0
        for outcome in ("done", "failed")
    )
    return done, failed


@pytest.mark.parametrize(
    ("status", "path", "more"),
    [
        *((status, "/v1/exam-fees", (1, 0)) for status in (201, 409, 429, 499)),
        *((status, "/v1/exam-fees", (0, 1)) for status in (500, 503, 0)),
        *((status, path, (0, 0)) for status, path in ((503, "/health/ready"), (200, "/metrics"))),
    ],
)
async def test_a_request_fails_with_the_server_and_not_with_the_client(
    status: int, path: str, more: tuple[int, int]
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        if status:
            await send({"type": "http.response.start", "status": status, "headers": []})

    async def send(_message: Any) -> None:
        pass

    scope: Any = {"type": "http", "method": "GET", "headers": [], "path_template": path}
    before = counts("http")
    await TracingMiddleware(app, StoppedClock())(scope, None, send)  # type: ignore[arg-type]  # it reads nothing

    assert tuple(after - was for after, was in zip(counts("http"), before, strict=True)) == more


@pytest.mark.parametrize(("error", "more"), [(None, (1, 0)), (Unavailable("away"), (0, 1)), (ValueError(), (0, 1))])
async def test_a_job_and_a_poll_of_the_outbox_count_by_their_end(
    error: Exception | None, more: tuple[int, int]
) -> None:
    stop, before = asyncio.Event(), (counts("job"), counts("relay"))

    async def job() -> None:
        stop.set()
        if error:
            raise error

    class Polled(MemoryOutbox):
        async def renew(self, seconds: float) -> int:
            stop.set()
            if error and seconds:
                raise error
            return 1

    await run_every(1, "job", job, stop)
    stop.clear()
    clock = StoppedClock()
    await Relay(Polled(MemoryDatabase(), clock), None, Signals(), clock).run(stop)  # type: ignore[arg-type]  # no event

    for transport, was in zip(("job", "relay"), before, strict=True):
        assert tuple(after - each for after, each in zip(counts(transport), was, strict=True)) == more
