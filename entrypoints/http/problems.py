"""What errors mean over HTTP: RFC 9457 problem documents."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

import core
from core.kernel.errors import (
    Conflict,
    CoreError,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
    problem_type,
    reported_kind,
)
from core.kernel.idempotency import IdempotencyKeyReused, RequestInProgress
from entrypoints.http.idempotency import MissingIdempotencyKey
from entrypoints.http.submission_intents import InvalidIntent

log = structlog.get_logger()
STATUS_BY_ERROR: dict[type[CoreError], int] = {
    IdempotencyKeyReused: 422,
    Invalid: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
}
"""The first kind that fits counts."""

for context in iter_modules(core.__path__, "core."):
    if find_spec(f"{context.name}.errors"):
        import_module(f"{context.name}.errors")  # so that the API document knows every kind there is
CLIENT_VISIBLE_MODULES = ("core.", MissingIdempotencyKey.__module__, InvalidIntent.__module__)
"""Where the kinds of error come from that a client may meet: an adapter's count as the core's kind they are."""


UNAVAILABLE_DETAIL = "something we depend on does not answer; `/health/ready` says what"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, for the person who reads it and the program that gets it."""

    type: str
    """`urn:bursar:problem:…`, the same on every transport; `about:blank` when the status says it all."""
    title: str
    status: int
    detail: str = ""
    at: str | None = None
    """The JSON path of the guilty field: `$.papers[2]`."""
    facts: dict[str, str] | None = None
    """What a program may want to know: `submission`, the id of the one that came first."""


STATUS_TITLES = {
    400: "The request makes no sense",
    403: "Not for this caller",
    404: "There is no such thing",
    409: "Not in the present state of the world",
    413: "The body is too large",
    415: "The body is of another content type",
    422: "The idempotency key was used for a different body",
    500: "Something went wrong on our side",
    503: "Something we depend on is away; try again after `Retry-After` seconds",
}
INTERNAL_ERROR = Problem(type="about:blank", title=STATUS_TITLES[500], status=500)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Return what the API document says of the errors of a route; any route may have a defect."""
    return {
        status: ResponseSpec(
            Problem, description=describe_status(status), media_type="application/problem+json", generate_examples=False
        )
        for status in (*statuses, 500)
    }


def describe_status(status: int) -> str:
    """Return what a status means, and which types of problem carry it."""
    lines = sorted(
        f"* `{problem_type(kind)}`: {title(kind)}" for kind in client_visible_errors() if status_of(kind) == status
    )
    carried = "\n".join(
        ["`type` is one of these, or `about:blank`:", "", *lines] if lines else ["`type` is `about:blank`."]
    )
    return f"{STATUS_TITLES[status]}.\n\n{carried}"


def client_visible_errors(root: type[CoreError] = CoreError) -> Iterator[type[CoreError]]:
    """Return every kind of error that a client may meet."""
    if root.__module__.startswith(CLIENT_VISIBLE_MODULES):
        yield root
    for kind in root.__subclasses__():
        yield from client_visible_errors(kind)


def status_of(kind: type[CoreError]) -> int:
    """Return the status of a kind of error; 500 for one that is nobody's answer."""
    return next((status for known, status in STATUS_BY_ERROR.items() if issubclass(kind, known)), 500)


def title(kind: type[CoreError]) -> str:
    """Return what a kind of error says of itself."""
    return (kind.__doc__ or "").partition("\n")[0]


def core_problem(request: Request[Any, Any, Any], error: CoreError) -> Response[Any]:
    """Tell of an error the core raised on purpose."""
    seconds, intent = retry_after(error), dict[str, str]()
    if isinstance(error, Unavailable) and (context := request.scope.get("wish")):
        intent = request.app.state.intent_signer.of(context)
    return respond(as_problem(error, **intent), intent | ({"Retry-After": str(seconds)} if seconds else {}))


def as_problem(error: CoreError, **more: str) -> Problem:
    """Return what to say of an error the core raised on purpose, with more facts."""
    kind = reported_kind(error)
    return Problem(
        type=problem_type(kind),
        title=title(kind),
        status=status_of(kind),
        detail=UNAVAILABLE_DETAIL if isinstance(error, Unavailable) else str(error),
        at=error.at,
        facts={**error.facts, **more} or None,
    )


def retry_after(error: CoreError) -> int | None:
    """Return after how many seconds the same request may succeed, if it may."""
    if isinstance(error, Unavailable | RequestInProgress):
        return max(1, round(getattr(error, "retry_after", None) or 1))
    return None


def http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Tell of an error that HTTP or JSON already knows."""
    if isinstance(cause := error.__cause__, CoreError):
        return core_problem(request, cause)
    if error.status_code == 500:
        return defect(request, error)
    detail, at = validation_detail(request, error)
    kind = problem_type(Invalid) if isinstance(error, ValidationException) else "about:blank"
    meaning = STATUS_TITLES.get(error.status_code) or HTTPStatus(error.status_code).phrase
    problem = Problem(type=kind, title=meaning, status=error.status_code, detail=detail, at=at)
    return respond(problem, error.headers or {})


def defect(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Tell of a defect of ours, and nothing about it; the log has the rest."""
    log.error("defect", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    return respond(INTERNAL_ERROR, {})


def decoding_problem(error: Exception) -> Problem:
    """Return what to say of JSON that is malformed, or does not say what we want to know."""
    if isinstance(cause := error.__cause__, CoreError):
        return as_problem(cause)
    kind, detail, at = "about:blank", str(error), None
    if isinstance(error, msgspec.ValidationError):
        detail, _, path = detail.partition(" - at `")
        kind, at = problem_type(Invalid), guilty(detail, path.rstrip("`") or "$")
    elif not isinstance(error, msgspec.DecodeError):
        detail = f"JSON is malformed: {error}"
    return Problem(type=kind, title=STATUS_TITLES[400], status=400, detail=detail, at=at)


def validation_detail(request: Request[Any, Any, Any], error: HTTPException) -> tuple[str, str | None]:
    """Split what a decoder says into the complaint and the path of the field: `$` is the body."""
    if not isinstance(error.extra, list) or not error.extra:
        return error.detail, None
    message, key = str(error.extra[0].get("message", "")), str(error.extra[0].get("key", "data"))
    if message == "'data'":
        return "the body is empty", "$"
    return message, guilty(message, "$" if key == "data" else f"$.{wire_name(request, key)}")


def guilty(message: str, path: str) -> str:
    """Return the path of the field that a decoder complains of, which may be one more step than it says."""
    named = re.search(r"field `(.+)`$", message)
    return f"{path}.{named[1]}" if named else path


def wire_name(request: Request[Any, Any, Any], key: str) -> str:
    """Return the name under which a client sends a parameter; in Python it may have another."""
    parameter = request.route_handler.parsed_fn_signature.parameters.get(key)
    return str(getattr(parameter and parameter.kwarg_definition, "name", None) or key)


def respond(problem: Problem, headers: dict[str, str]) -> Response[Any]:
    """Send a problem document."""
    body = msgspec.json.encode(problem)
    return Response(body, status_code=problem.status, headers=headers, media_type="application/problem+json")
