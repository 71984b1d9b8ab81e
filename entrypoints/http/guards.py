"""What is checked before a body is read; async, because Litestar runs in a thread what is not."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler


def only(connection: ASGIConnection[Any, Any, Any, Any], media_type: str, *synonyms: str) -> None:
    """Refuse a body of another media type, and one that does not say what it is."""
    sent = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in (media_type, *synonyms):
        raise HTTPException(status_code=415, detail=f"send {media_type}, not {sent[:80] or 'a body without a type'}")


async def json_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Take JSON."""
    only(connection, "application/json")


async def csv_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Take CSV."""
    only(connection, "text/csv")


async def form_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Take a form."""
    only(connection, "application/x-www-form-urlencoded")


async def json_lines_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Take JSON lines."""
    only(connection, "application/x-ndjson", "application/jsonl")
