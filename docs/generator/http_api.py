"""The endpoints and the problem types, from the API document of the application."""

from typing import Any

from core.kernel.errors import problem_type
from docs.generator.markdown import code, table
from entrypoints.contexts import http_handlers
from entrypoints.http.app import routed
from entrypoints.http.document import BEFORE_THE_APPLICATION, OF_AUTHORIZATION
from entrypoints.http.problems import client_visible_errors, status_of, title


def endpoints() -> str:
    """Return a table of the endpoints for each tag."""
    by_tag = dict[str, list[tuple[str, str, str, str]]]()
    for path, item in sorted(openapi_document()["paths"].items()):
        for method, operation in sorted(item.items()):
            hidden = {"429", "500", *OF_AUTHORIZATION, *BEFORE_THE_APPLICATION}
            statuses = ", ".join(sorted(operation["responses"].keys() - hidden))
            row = (code(f"{method.upper()} {path}"), operation["description"], _key(operation), statuses)
            by_tag.setdefault(operation.get("tags", ["Other"])[0], []).append(row)
    heads = ("endpoint", "purpose", "`Idempotency-Key`", "statuses")
    return "\n\n".join(f"### {tag}\n\n{table(heads, rows)}" for tag, rows in sorted(by_tag.items()))


def problem_types() -> str:
    """Return a table of the problem types that a client can get, by status."""
    kinds = sorted({(status_of(kind), problem_type(kind), title(kind)) for kind in client_visible_errors()})
    rows = [(str(status), code(urn), meaning) for status, urn, meaning in kinds if status != 500]
    return table(("status", "`type`", "meaning"), rows)


def _key(operation: dict[str, Any]) -> str:
    named = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    return "required" if named else ""


def openapi_document() -> dict[str, Any]:
    """Return the API document."""
    document: dict[str, Any] = routed(http_handlers()).openapi_schema.to_schema()
    return document
