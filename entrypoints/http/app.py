"""The composition of the HTTP application: routes, dependencies, error handlers and middleware."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from core.kernel.clock import Clock
from core.kernel.errors import CoreError
from core.kernel.health import HealthChecks, Probe
from core.kernel.idempotency import Answers
from core.kernel.own_writes import OwnWrites
from core.kernel.trace import Tracer
from core.use_cases import UseCases
from entrypoints.http import docs
from entrypoints.http.dependencies import WiredMiddleware, provide, provide_after_use_cases
from entrypoints.http.fees.exam_fee_batch import RowSubmitter
from entrypoints.http.fees.timeline_streams import StreamTimes, TimelineStreams
from entrypoints.http.graphql.endpoint import Executes
from entrypoints.http.idempotency import Idempotency
from entrypoints.http.middleware.admission import AdmissionControl, AdmissionMiddleware
from entrypoints.http.middleware.authentication import Authentication
from entrypoints.http.middleware.client_address import ClientAddressMiddleware
from entrypoints.http.middleware.guard import GuardMiddleware
from entrypoints.http.middleware.http_rules import HttpRulesMiddleware
from entrypoints.http.middleware.own_writes import OwnWritesMiddleware
from entrypoints.http.middleware.rate_limiting import RateLimits
from entrypoints.http.middleware.route_options import RouteOptions
from entrypoints.http.middleware.tracing import TracingMiddleware
from entrypoints.http.problems import core_problem, http_problem, internal_error
from entrypoints.http.query_limits import QueryLimits
from entrypoints.http.query_parameters import strict_query
from entrypoints.http.strict_json import JsonRequest

MAX_BODY_BYTES = 64 * 1024
"""Decoding and checking a larger JSON body could keep the event loop for longer than 50 ms."""


def create_app(
    handlers: tuple[Any, ...],
    use_cases: UseCases,
    answers: Answers,
    probes: Sequence[Probe],
    clock: Clock,
    admission: AdmissionControl,
    rate_limits: RateLimits,
    *,
    tracer: Tracer | None = None,
    trusted_proxies: int = 0,
    documented: bool = False,
    graphql: QueryLimits | None = None,
    own_writes: OwnWrites | None = None,
    stream_times: StreamTimes | None = None,
) -> ASGIApp:
    """Serve use cases over HTTP, submissions through admission control.

    `documented` builds the API document now: the first request for it would keep all others waiting. `own_writes` is
    given where reads may be answered by replicas.
    """
    signer = admission.intent_signer
    authentication = Authentication(use_cases.identity)
    wired = {
        "use_cases": use_cases,
        "timeline_streams": TimelineStreams(authentication, stream_times or StreamTimes()),
        "row_submitter": RowSubmitter(use_cases.fees.submit_exam_fee, answers, signer),
        "health_checks": HealthChecks(probes),
        "idempotency": Idempotency(answers, signer),
        "graphql": executor(use_cases, graphql) if graphql else None,
    }
    routes = routed(handlers)
    if documented:
        routes.openapi_schema  # noqa: B018 - Litestar keeps it
    app: ASGIApp = WiredMiddleware(routes, wired)
    if own_writes:
        app = OwnWritesMiddleware(app, own_writes)
    judged = HttpRulesMiddleware(AdmissionMiddleware(app, admission))
    served = GuardMiddleware(judged, RouteOptions(routes.routes), authentication, rate_limits, admission)
    return TracingMiddleware(behind(trusted_proxies, served), clock, tracer)


def executor(use_cases: UseCases, limits: QueryLimits) -> Executes:
    """Return what answers GraphQL queries; its library takes half a second to import."""
    from entrypoints.http.graphql.execution import Executor

    return Executor(use_cases, limits)


@cache
def routed(handlers: tuple[Any, ...]) -> Litestar:
    """Return the routes; what handlers receive comes with each request, and middleware comes before them."""
    document = docs.openapi(version("bursar"))
    app = Litestar(
        route_handlers=[*handlers, docs.asset],
        dependencies={
            **{name: provide(name) for name in ("use_cases", "row_submitter", "health_checks", "graphql")},
            **{name: provide_after_use_cases(name) for name in ("idempotency", "timeline_streams")},
        },
        exception_handlers={CoreError: core_problem, HTTPException: http_problem, Exception: internal_error},
        openapi_config=document,
        request_class=JsonRequest,
        before_request=strict_query,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    document.routes = app.routes
    return app


def behind(trusted_proxies: int, served: ASGIApp) -> ASGIApp:
    """Count clients by the address that trusted proxies tell; without these, by the peer."""
    return ClientAddressMiddleware(served, trusted_proxies) if trusted_proxies else served
