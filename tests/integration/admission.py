"""The API of an application under test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from litestar.types import ASGIApp

from config.container import Application
from core.kernel.clock import Clock
from core.kernel.health import Probe
from core.use_cases import UseCases
from entrypoints.contexts import http_handlers
from entrypoints.http import server
from entrypoints.http.app import create_app
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.middleware.load_shedding import LoadShedder
from entrypoints.http.submission_intents import IntentSigner


def unlimited_admission() -> AdmissionControl:
    """Return admission control that rejects no request."""
    return AdmissionControl(IntentSigner(secret=b"", grace=timedelta(0)), max_in_flight=100_000)


def http_app(
    application: Application,
    *,
    use_cases: UseCases | None = None,
    probes: Sequence[Probe] | None = None,
    clock: Clock | None = None,
    admission: AdmissionControl | None = None,
) -> Any:
    """Serve an application over HTTP."""
    return create_app(
        http_handlers(),
        use_cases or application.use_cases(),
        application.messaging.answers(),
        application.probes() if probes is None else probes,
        clock or application.process.clock(),
        admission or unlimited_admission(),
    )


@asynccontextmanager
async def served(app: ASGIApp, clock: Clock) -> AsyncIterator[int]:
    """Serve an application with the real server, and yield its port."""
    stop, listening = asyncio.Event(), server.listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(app, LoadShedder(unlimited_admission(), clock), listening, stop))
    yield listening.getsockname()[1]
    stop.set()
    await serving
