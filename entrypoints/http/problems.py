"""Errors as RFC 9457 problem documents."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

import core.use_cases  # noqa: F401 - imports every type of error, for the API document
from core.kernel.authorization import MAX_PROOF_AGE, NotAuthenticated, StepUpNeeded
from core.kernel.errors import (
    Conflict,
    CoreError,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
    Unprocessable,
    problem_type,
    reported_kind,
)
from core.kernel.idempotency import RequestInProgress
from core.kernel.rate_limit import RateLimited
from core.kernel.trace import current_trace
from entrypoints.http.idempotency import MissingIdempotencyKey
from entrypoints.http.query_limits import QueryTooLarge
from entrypoints.http.query_parameters import wire_names
from entrypoints.http.submission_intents import InvalidIntent

log = structlog.get_logger()
STATUS_BY_ERROR: dict[type[CoreError], int] = {
    Unprocessable: 422,
    Invalid: 400,
    NotAuthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    RateLimited: 429,
    Unavailable: 503,
}
"""The first type that an error is an instance of determines its status."""

CLIENT_VISIBLE_MODULES = ("core.", MissingIdempotencyKey.__module__, InvalidIntent.__module__, QueryTooLarge.__module__)
"""The modules of the errors in the API document; an error of an adapter is reported as its base type in the core."""
UNAVAILABLE_DETAIL = "a dependency of the server is unavailable; `/health/ready` shows which"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document of RFC 9457 with the extensions `at`, `facts` and `trace_id`."""

    type: str
    """`urn:bursar:problem:…`, the same on every transport; `about:blank` without a meaning beyond the status."""
    title: str
    status: int
    detail: str = ""
    at: str | None = None
    """The JSON path of the invalid field: `$.papers[2]`."""
    facts: dict[str, str] | None = None
    """Details for programs: `submission`, the id of the submission that exists already."""
    trace_id: str | None = None
    """The trace of the request, under which logs and spans have it; not in the rows of a batch."""


STATUS_TITLES = {
    400: "The request is invalid",
    401: "The request names no caller, or its credential is not valid",
    403: "The caller has no permission",
    404: "The resource does not exist",
    409: "The request conflicts with the present state",
    413: "The body is too large",
    415: "The media type of the body is not supported",
    422: "The request contradicts itself, what it refers to, or the present moment",
    429: "Too many requests; send the request again after `Retry-After` seconds",
    500: "The server has an internal error",
    503: "The server or a dependency is unavailable; send the request again after `Retry-After` seconds",
}
RETRY_AFTER_SECONDS = 1
"""`Retry-After` of a 503 for which the server knows no better time."""
CHALLENGE = "Bearer"
"""`WWW-Authenticate` of a 401 (RFC 6750, section 3)."""
STEP_UP_CHALLENGE = (
    f'{CHALLENGE} error="insufficient_user_authentication",'
    f' error_description="the proof of identity is not fresh", max_age={int(MAX_PROOF_AGE.total_seconds())}'
)
"""`WWW-Authenticate` of a 403 that a step up mends (RFC 9470, section 3)."""
INTERNAL_ERROR = Problem(type="about:blank", title=STATUS_TITLES[500], status=500)
SOMEWHERE = " - at `$[...]`"
"""The end of an error of a decoder that knows no type: it names no field."""


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the error responses of a route for the API document, including 500, which every route has."""
    return {
        status: ResponseSpec(
            Problem, description=describe_status(status), media_type="application/problem+json", generate_examples=False
        )
        for status in (*statuses, 500)
    }


def describe_status(status: int) -> str:
    """Return the meaning of a status, and the problem types with this status."""
    lines = sorted(
        f"* `{problem_type(kind)}`: {title(kind)}" for kind in client_visible_errors() if status_of(kind) == status
    )
    types = "\n".join(
        ["`type` is one of these, or `about:blank`:", "", *lines] if lines else ["`type` is `about:blank`."]
    )
    return f"{STATUS_TITLES[status]}.\n\n{types}"


def client_visible_errors(root: type[CoreError] = CoreError) -> Iterator[type[CoreError]]:
    """Yield every type of error that a client can receive."""
    if root.__module__.startswith(CLIENT_VISIBLE_MODULES):
        yield root
    for kind in root.__subclasses__():
        yield from client_visible_errors(kind)


def status_of(kind: type[CoreError]) -> int:
    """Return the status of a type of error; 500 for a type without one."""
    return next((status for known, status in STATUS_BY_ERROR.items() if issubclass(kind, known)), 500)


def title(kind: type[CoreError]) -> str:
    """Return the title of a type of error: the first line of its docstring."""
    return (kind.__doc__ or "").partition("\n")[0]


def core_problem(request: Request[Any, Any, Any], error: CoreError) -> Response[Any]:
    """Respond with an error of the core."""
    intent = dict[str, str]()
    if isinstance(error, Unavailable) and (sign := request.scope.get("sign_intent")):
        intent = sign()  # type: ignore[operator]  # set by `Idempotency.context`
    return respond(as_problem(error, **intent), intent | headers_of(error))


def as_problem(error: CoreError, **more: str) -> Problem:
    """Return the problem document of an error of the core, with additional facts."""
    kind = reported_kind(error)
    return Problem(
        type=problem_type(kind),
        title=title(kind),
        status=status_of(kind),
        detail=UNAVAILABLE_DETAIL if isinstance(error, Unavailable) else str(error),
        at=error.at,
        facts={**error.facts, **more} or None,
    )


def headers_of(error: CoreError) -> dict[str, str]:
    """Return the headers of the response to an error."""
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, StepUpNeeded):
        return {"WWW-Authenticate": STEP_UP_CHALLENGE}
    seconds = retry_after(error)
    return {"Retry-After": str(seconds)} if seconds else {}


def retry_after(error: CoreError) -> int | None:
    """Return the seconds after which the same request can succeed; None if it cannot."""
    if isinstance(error, Unavailable | RequestInProgress | RateLimited):
        return max(1, ceil(getattr(error, "retry_after", None) or RETRY_AFTER_SECONDS))
    return None


def http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Respond with an error of HTTP or JSON."""
    if isinstance(cause := error.__cause__, CoreError):
        return core_problem(request, cause)
    if error.status_code == 500:
        return internal_error(request, error)
    detail, at = validation_detail(request, error)
    kind = problem_type(Invalid) if isinstance(error, ValidationException) else "about:blank"
    meaning = STATUS_TITLES.get(error.status_code) or HTTPStatus(error.status_code).phrase
    problem = Problem(type=kind, title=meaning, status=error.status_code, detail=detail, at=at)
    headers = dict(error.headers or {})
    if allowed := {*headers.get("allow", "").split(", ")} - {""}:
        headers["allow"] = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
    return respond(problem, headers)


def status_problem(status: int, detail: str) -> Problem:
    """Return the problem document of a request that HTTP itself refuses."""
    meaning = STATUS_TITLES.get(status) or HTTPStatus(status).phrase
    return Problem(type="about:blank", title=meaning, status=status, detail=detail)


def internal_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Respond 500 without details, which only the log contains."""
    if "ended" not in request.scope:  # without its client, a request ends in whatever error its reader raises
        log.error("internal_error", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    return respond(INTERNAL_ERROR, {})


def decoding_problem(error: Exception) -> Problem:
    """Return the problem document of JSON that is malformed or has invalid fields."""
    if isinstance(cause := error if isinstance(error, CoreError) else error.__cause__, CoreError):
        return as_problem(cause)
    kind, detail, at = "about:blank", str(error).removesuffix(SOMEWHERE), None
    if isinstance(error, msgspec.ValidationError) and not str(error).endswith(SOMEWHERE):
        detail, _, path = detail.partition(" - at `")
        kind, at = problem_type(Invalid), field_path(detail, path.rstrip("`") or "$")
    return Problem(type=kind, title=STATUS_TITLES[400], status=400, detail=detail, at=at)


def validation_detail(request: Request[Any, Any, Any], error: HTTPException) -> tuple[str, str | None]:
    """Return the message of a decoder and the path of the field; `$` is the body."""
    if error.status_code == 413:
        return f"a body has at most {request.route_handler.resolve_request_max_body_size():,} bytes here", None
    if not isinstance(error.extra, list) or not error.extra:
        return error.detail.removesuffix(SOMEWHERE), None
    message, key = str(error.extra[0].get("message", "")), str(error.extra[0].get("key", "data"))
    if message == "'data'":
        return "the body is empty", "$"
    return message, field_path(
        message, "$" if key == "data" else f"$.{wire_names(request.route_handler).get(key, key)}"
    )


def field_path(message: str, path: str) -> str:
    """Return the path of an invalid field; a decoder names a missing or unknown field only in its message."""
    named = re.search(r"field `(.+)`$", message)
    return f"{path}.{named[1]}" if named else path


def encode_problem(problem: Problem) -> bytes:
    """Encode a problem document with the current trace."""
    return msgspec.json.encode(msgspec.structs.replace(problem, trace_id=current_trace.get().id or None))


def respond(problem: Problem, headers: dict[str, str]) -> Response[Any]:
    """Respond with a problem document."""
    return Response(
        encode_problem(problem), status_code=problem.status, headers=headers, media_type="application/problem+json"
    )
