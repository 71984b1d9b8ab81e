"""The OpenAPI document: Litestar derives it from the routes, and the types, headers and examples complete it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from importlib.resources import files
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI
from litestar.response.base import ASGIResponse
from litestar.routes import HTTPRoute

from core.fees.schedule import FeeSchedule
from core.kernel.errors import problem_type
from entrypoints.http import headers
from entrypoints.http.middleware.authentication import OPEN, is_protected
from entrypoints.http.problems import (
    CHALLENGE,
    STATUS_BY_ERROR,
    STATUS_TITLES,
    STEP_UP_CHALLENGE,
    describe_status,
    title,
)
from entrypoints.http.protocol.connections import MONITORING_PATHS
from entrypoints.http.query_parameters import wire_names
from entrypoints.http.schemas import schema_of, schemas_of
from entrypoints.http.sent_headers import SENT_HEADERS

EXAMPLES: Mapping[str, Any] = msgspec.json.decode(files("entrypoints.http").joinpath("examples.json").read_bytes())
"""By operation: `parameters`, `body`, the status and the `answer`; tests send each of them."""
BEFORE_THE_APPLICATION = {
    "408": "The request did not arrive in time.",
    "414": "The path and the query are too long.",
    "431": "The headers are too large.",
}
"""What the server refuses before a request reaches the application."""
OF_AUTHORIZATION = ("401", "403")
CREDENTIALS = "An API key: `bursar_` and 71 letters and digits, as `bursar api-keys create` prints it."


class CompletedOpenAPI(OpenAPI):
    """The document of an application."""

    handlers: Mapping[str, HTTPRouteHandler]

    def to_schema(self) -> dict[str, Any]:
        """Return the completed document."""
        document: dict[str, Any] = msgspec.to_builtins(super().to_schema())
        document["components"] = components(self.handlers)
        for path, item in document["paths"].items():
            for method, operation in item.items():
                handler = self.handlers[f"{method.upper()} {path}"]
                complete(operation, handler)
                secure(operation, needs_credential=is_protected(path) and not handler.opt.get(OPEN))
        return document


@dataclass
class DocumentConfig(OpenAPIConfig):
    """Creates the completed document of the routes."""

    routes: list[Any] = field(default_factory=list)

    def to_openapi_schema(self) -> OpenAPI:
        """Return the document that Litestar fills with its paths."""
        begun = super().to_openapi_schema()
        made = CompletedOpenAPI(**{each.name: getattr(begun, each.name) for each in fields(begun)})
        made.handlers = {
            f"{method} {route.path_format}": handler
            for route in self.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in handler.http_methods
            if method != "OPTIONS"
        }
        return made


def components(handlers: Mapping[str, HTTPRouteHandler]) -> dict[str, Any]:
    """Return the schemas of all bodies and answers, and the answers of the server itself."""
    documented = [each for each in handlers.values() if each.resolve_include_in_schema()]
    answers = [kind for handler in documented for kind in answers_of(handler)]
    bodies = [kind for handler in documented for kind in bodies_of(handler)]
    schemas = schemas_of(answers, [*bodies, FeeSchedule])
    schemas["FeeScheduleDocument"] = without_version(schemas["FeeSchedule"])
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {
        f"Refused{status}": {"description": text, "content": problem} for status, text in BEFORE_THE_APPLICATION.items()
    }
    for status in OF_AUTHORIZATION:
        refusals[f"Refused{status}"] = {"description": describe_status(int(status)), "content": problem}
    refusals["Refused401"]["headers"] = {"WWW-Authenticate": headers.text("The scheme of credentials", CHALLENGE)}
    step_up = headers.text("Of the problem `step-up-needed` only: what the client does (RFC 9470)", STEP_UP_CHALLENGE)
    refusals["Refused403"]["headers"] = {"WWW-Authenticate": step_up}
    refusals["RateLimited"] = {
        "description": describe_status(429),
        "headers": headers.OF_EVERY_ANSWER | headers.QUOTA | {"Retry-After": headers.RETRY_AFTER},
        "content": {
            "application/problem+json": {**problem["application/problem+json"], "example": example_problem(429)}
        },
    }
    return {
        "schemas": dict(sorted(schemas.items())),
        "responses": refusals,
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": CREDENTIALS}},
    }


def secure(operation: dict[str, Any], *, needs_credential: bool) -> None:
    """Add the credential of an operation, and its refusals."""
    operation["security"] = [{"bearer": []}] if needs_credential else []
    if needs_credential:
        for status in OF_AUTHORIZATION:
            operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Refused{status}"})


def without_version(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a schedule before its publication, which sets the version."""
    properties = {name: schema for name, schema in schedule["properties"].items() if name != "version"}
    return {**schedule, "title": "FeeScheduleDocument", "properties": properties}


def answers_of(handler: HTTPRouteHandler) -> Iterator[Any]:
    """Yield the types of the answers of an operation."""
    answer = get_type_hints(handler.fn)["return"]
    if get_origin(answer) is Response:
        [answer] = get_args(answer)
    if answer not in (bytes, type(None), ASGIResponse):
        yield answer
    yield from (each.data_container for each in (handler.responses or {}).values())


def bodies_of(handler: HTTPRouteHandler) -> Iterator[Any]:
    """Yield the type of the JSON body of an operation, or of one line of it."""
    body = get_type_hints(handler.fn).get("data", handler.opt.get("line"))
    if body is not None and get_origin(body) is not dict:
        yield body


def complete(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Add the texts, the constraints of parameters, the headers and the example of an operation."""
    example = EXAMPLES[operation["operationId"]]
    text = " ".join((handler.fn.__doc__ or "").split())
    operation |= {"summary": re.split(r"[,;:.] |\.$", text)[0], "description": text}
    del operation["deprecated"]
    for parameter in operation.get("parameters", ()):
        constrain(parameter, handler)
        if parameter["name"] in example.get("parameters", ()):
            parameter["example"] = example["parameters"][parameter["name"]]
    for header in handler.opt.get(SENT_HEADERS, ()):
        known = {"example": example["parameters"][header.name]} if header.name in example.get("parameters", ()) else {}
        operation.setdefault("parameters", []).append(header.documented() | known)
    for name, description in handler.opt.get("signatures", {}).items():
        told = {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        known = {"example": example["parameters"][name]} if name in example["parameters"] else {}
        operation["parameters"].append(told | known)
    if content := handler.opt.get("body"):
        operation["requestBody"] = {"required": True, "content": msgspec.to_builtins(content)}
    for body in operation.get("requestBody", {"content": {}})["content"].values():
        body["example"] = example["body"]
    if handler.status_code == HTTPStatus.NO_CONTENT:
        operation["responses"]["204"].pop("content", None)  # Litestar describes the body of `Response[None]`
    limited = not MONITORING_PATHS.intersection(handler.paths)
    for status, answer in operation["responses"].items():
        answer["headers"] = headers.of_answer(int(status), operation, answer.get("headers") or {}, limited=limited)
        for media_type, content in (answer.get("content") or {}).items():
            is_problem = media_type == "application/problem+json"
            content["example"] = example_problem(int(status)) if is_problem else example.get("refusal")
    for content in operation["responses"][str(handler.status_code)].get("content", {}).values():
        content.update(handler.opt.get("answer", {}), example=example["answer"])
    if limited:
        operation["responses"]["429"] = {"$ref": "#/components/responses/RateLimited"}
    for status in BEFORE_THE_APPLICATION:
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Refused{status}"})


def example_problem(status: int) -> dict[str, Any]:
    """Return the problem of the kind of error that has a status."""
    kind = next((kind for kind, of_kind in STATUS_BY_ERROR.items() if of_kind == status), None)
    named = (problem_type(kind), title(kind)) if kind else ("about:blank", STATUS_TITLES[status])
    return dict(zip(("type", "title", "status"), (*named, status), strict=True))


def constrain(parameter: dict[str, Any], handler: HTTPRouteHandler) -> None:
    """Describe a parameter by its type; one that is absent is not null."""
    [name] = [name for name, wire in wire_names(handler).items() if wire == parameter["name"]]
    known = handler.parsed_fn_signature.parameters[name]
    schema = schema_of(known.raw)
    [given] = [each for each in schema.pop("anyOf", [schema]) if each.get("type") != "null"]
    limits = {key: int(value) for key, value in parameter["schema"].items() if key in ("minimum", "maximum")}
    parameter["schema"] = given | limits
    if known.has_default and known.default not in (None, ""):
        parameter["schema"]["default"] = msgspec.to_builtins(known.default)
