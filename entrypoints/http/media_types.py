"""Checks of the media type before the body is read: hooks, because Litestar copies the handler for each guard."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.exceptions import HTTPException

from core.kernel.errors import Invalid
from entrypoints.http.sent_headers import sent

NDJSON_MEDIA_TYPE = "application/x-ndjson"
JSON_LINES = (NDJSON_MEDIA_TYPE, "application/jsonl")
"""The two names of one media type."""

MAX_FORM_FIELDS = 100


def lines_of(schema: str, description: str) -> dict[str, Any]:
    """Return the documentation of JSON lines of one schema: no line makes the whole invalid, so it has no type."""
    lines = {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
    content = {"contentMediaType": NDJSON_MEDIA_TYPE, "contentSchema": lines}
    return {"schema": {"description": description, **content}}


def only(request: Request[Any, Any, Any], media_type: str, *synonyms: str) -> None:
    """Refuse a body of another media type or without one."""
    given = (sent(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    if given not in (media_type, *synonyms):
        raise HTTPException(status_code=415, detail=f"send {media_type}, not {given[:80] or 'a body without a type'}")


async def json_only(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not JSON."""
    only(request, "application/json")


async def json_or_nothing(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not JSON; a request without a body passes."""
    scope = request.scope
    if (sent(scope, b"content-length") or "0") != "0" or sent(scope, b"transfer-encoding") is not None:
        only(request, "application/json")


async def csv_only(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not CSV."""
    only(request, "text/csv")


async def form_only(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not a form."""
    only(request, "application/x-www-form-urlencoded")


async def json_lines_only(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is not JSON lines."""
    only(request, *JSON_LINES)


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """Decode the fields of a form in their order; raise `Invalid`."""
    try:
        text = body.decode("ascii")
        return parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError as error:
        raise Invalid(f"the body must be a form of at most {MAX_FORM_FIELDS} fields") from error
