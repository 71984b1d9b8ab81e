"""Slashes inside a segment of a path: `/v1/students/2023%2FBCOM%2F0017` names one student."""

from urllib.parse import unquote

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

ENCODED_SLASH = "%2F"


class EncodedSlashes:
    """Routes a path by its segments as they were sent: the server has decoded `%2F` before it splits the path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        raw = scope.get("raw_path") or b""
        if scope["type"] == ScopeType.HTTP and b"%2f" in raw.lower():
            segments = raw.decode("latin-1").partition("?")[0].split("/")
            scope["path"] = "/".join(unquote(segment).replace("/", ENCODED_SLASH) for segment in segments)
        await self._app(scope, receive, send)


def from_segment(text: str) -> str:
    """Return what a segment of a path names."""
    return text.replace(ENCODED_SLASH, "/")
