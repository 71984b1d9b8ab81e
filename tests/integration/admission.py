"""The API of an application under test."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from config.container import Application
from config.settings import Limits
from core.kernel.clock import Clock
from core.kernel.health import Probe
from core.use_cases import UseCases
from entrypoints.contexts import http_handlers
from entrypoints.http.app import create_app
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.middleware.rate_limiting import RateLimits
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
    documented: bool = False,
    limits: Limits | None = None,
    trusted_proxies: int = 0,
) -> Any:
    """Serve an application over HTTP."""
    return create_app(
        http_handlers(),
        use_cases or application.use_cases(),
        application.messaging.answers(),
        application.probes() if probes is None else probes,
        clock or application.process.clock(),
        admission or unlimited_admission(),
        RateLimits(application.storage.rate_limiter(), limits or Limits()),
        trusted_proxies=trusted_proxies,
        documented=documented,
    )
