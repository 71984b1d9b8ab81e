"""Around every request: when it arrived, what it belongs to, how it ended, how long it took."""

import time
from collections.abc import Mapping
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Histogram

from core.kernel.clock import Clock
from core.kernel.trace import Trace, current_trace

log = structlog.get_logger()
REQUEST_SECONDS = Histogram("bursar_http_seconds", "Time of requests", ["method", "route", "status"])

QUIET_PATHS = {"/health/live", "/health/ready", "/metrics"}
"""Asked by machines every few seconds: counted, and no news."""


class TracingMiddleware:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock, self._log = app, clock, log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        scope["arrived"] = self._clock.now()  # type: ignore[typeddict-unknown-key]
        headers = dict(scope["headers"])
        trace = trace_of(headers)
        token = current_trace.set(trace)
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *trace_headers(trace)]
            await send(message)

        async def arriving() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                # Whoever holds the body back has not arrived yet.
                scope["arrived"] = self._clock.now()  # type: ignore[typeddict-unknown-key]
            return message

        try:
            await self._app(scope, arriving, answer)
        finally:
            self._note(scope, status, time.perf_counter() - began)
            current_trace.reset(token)

    def _note(self, scope: HTTPScope, status: int, seconds: float) -> None:
        """Log and count a request that has ended; `status` 0 means that the client left before an answer."""
        route = scope.get("path_template") or "(none)"
        REQUEST_SECONDS.labels(scope["method"], route, status).observe(seconds)
        say = self._log.debug if route in QUIET_PATHS else self._log.info
        say("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 2))


def trace_of(headers: Mapping[bytes, bytes]) -> Trace:
    """Return what a request says it belongs to, or what it belongs to from now on."""
    return Trace.continue_or_start(text(headers, b"x-request-id"), text(headers, b"traceparent"))


def trace_headers(trace: Trace) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer has."""
    return [
        (b"x-request-id", trace.request_id.encode()),
        (b"traceparent", trace.traceparent.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]


def text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """Return a header as text, if it was sent."""
    value: Any = headers.get(name)
    return value.decode("latin-1") if value is not None else None
