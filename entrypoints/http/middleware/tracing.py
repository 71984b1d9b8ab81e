"""The arrival, trace, log line and metrics of each request."""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Histogram

from core.kernel.clock import Clock
from core.kernel.trace import Span, Trace, Tracer, current_trace
from entrypoints.effects import count_effect
from entrypoints.http.middleware.rate_limiting import QUOTA, Quota
from entrypoints.http.protocol.connections import CLIENT_LEFT, MONITORING_PATHS

log = structlog.get_logger()
REQUEST_SECONDS = Histogram("bursar_http_seconds", "Time of requests", ["method", "route", "status"])


class TracingMiddleware:
    """The outermost layer of the application: it adds what every answer tells of its request."""

    def __init__(self, app: ASGIApp, clock: Clock, tracer: Tracer | None = None) -> None:
        self._app, self._clock, self._tracer, self._log = app, clock, tracer, log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        scope["arrived"] = self._clock.now()  # type: ignore[typeddict-unknown-key]
        headers = dict(scope["headers"])
        trace = trace_of(headers)
        span = self._tracer and self._begin(self._tracer, trace, scope["path"], headers)
        trace = span.trace if span else trace
        token = current_trace.set(trace)
        began, status = time.perf_counter(), 0

        async def traced_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                quota: Quota | None = scope.get(QUOTA)  # type: ignore[assignment]
                limits = quota.headers() if quota else ()
                message["headers"] = [*message["headers"], *limits, *trace_headers(trace)]
                if status == 204:  # RFC 9110, section 8.6: without a Content-Length
                    message["headers"] = [each for each in message["headers"] if each[0] != b"content-length"]
            await send(message)

        async def timed_receive() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                # A request arrives with the last part of its body.
                scope["arrived"] = self._clock.now()  # type: ignore[typeddict-unknown-key]
            elif not status:
                scope.setdefault("ended", CLIENT_LEFT)  # type: ignore[typeddict-item]
            return message

        try:
            await self._app(scope, timed_receive, traced_send)
        finally:
            # The connection knows how an exchange ended whose answer did not reach the client.
            self._record(scope, scope.get("ended", status), time.perf_counter() - began)
            if span:
                end_span(span, scope, scope.get("ended", status))
            current_trace.reset(token)

    @staticmethod
    def _begin(tracer: Tracer, trace: Trace, path: str, headers: Mapping[bytes, bytes]) -> Span | None:
        """Begin the span of a sampled request; probes and scrapes are none."""
        if path in MONITORING_PATHS:
            return None
        return tracer.begin(trace, continued=text(headers, b"traceparent") == trace.traceparent)

    def _record(self, scope: HTTPScope, status: Any, seconds: float) -> None:
        """Log and count a finished request; `status` 0 means that the end of the process cut it off."""
        route = scope.get("path_template") or "(none)"
        timer(scope["method"], route, status).observe(seconds)
        monitoring = route in MONITORING_PATHS
        if not monitoring:
            count_effect("http", done=0 < status < 500)
        write = self._log.debug if monitoring else self._log.info
        write("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 2))


def end_span(span: Span, scope: HTTPScope, status: Any) -> None:
    """Record a finished request under the names of OpenTelemetry's semantic conventions."""
    method, route = scope["method"], scope.get("path_template")
    facts = {"http.request.method": method, "http.response.status_code": status}
    facts |= {"http.route": route} if route else {}
    failure = str(status) if status >= 500 or not status else ""
    span.end(f"{method} {route}" if route else method, facts, failure)


@cache
def timer(method: str, route: str, status: int) -> Histogram:
    """Return the metric with its labels, whose look-up takes longer than an observation."""
    return REQUEST_SECONDS.labels(method, route, status)


def trace_of(headers: Mapping[bytes, bytes]) -> Trace:
    """Return the trace that the headers name, or a new one."""
    return Trace.continue_or_start(text(headers, b"x-request-id"), text(headers, b"traceparent"))


def trace_headers(trace: Trace) -> list[tuple[bytes, bytes]]:
    """Return the headers of every response."""
    return [
        (b"x-request-id", trace.request_id.encode()),
        (b"traceparent", trace.traceparent.encode()),
    ]


def text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """Return a header as text; None if it is missing."""
    value: Any = headers.get(name)
    return value.decode("latin-1") if value is not None else None
