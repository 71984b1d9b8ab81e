"""The methods HEAD and OPTIONS of every route, and the refusals of requests that no route sees."""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from entrypoints.http.middleware.route_options import routed_path
from entrypoints.http.problems import RETRY_AFTER_SECONDS, encode_problem, status_problem
from entrypoints.http.protocol.head import UNEXPECTED_BODY, Refusal

ALL_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
NO_METHOD = "-"
"""A method that no route has, so that the answer names those that it has."""
SENT_METHOD = "sent_method"
"""Key of the scope: the method of a request that is served as one with another."""


class HttpRulesMiddleware:
    """Routes by the segments as sent, and answers what RFC 9110 asks of every resource."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        scope["path"] = routed_path(scope)
        if refusal := scope.get("refusal"):
            await self._refuse(refusal, scope, receive, send)  # type: ignore[arg-type]
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await self._options(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _head(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer like GET, without the body."""

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._as(scope, "GET", receive, send_head)

    async def _options(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer with the methods of the route, or as the route is not found."""
        if scope["path"] == "*":
            await respond(send, 204, [(b"allow", ALL_METHODS.encode())])
        elif allowed := await self._allowed(scope, receive):
            await respond(send, 204, [(b"allow", allowed)])
        else:
            await self._app(scope, receive, send)

    async def _refuse(self, refusal: Refusal, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Send a refusal; that a route or its method is missing is told before that it takes no body."""
        method = scope["method"].encode()
        if refusal.reason == UNEXPECTED_BODY and method not in (await self._allowed(scope, receive)).split(b", "):
            await self._app(scope, receive, send)
        else:
            await refuse(refusal, send)

    async def _allowed(self, scope: HTTPScope, receive: Receive) -> bytes:
        """Return the `Allow` of a route, empty for one that does not exist."""
        allowed = b""

        async def note_allowed(message: Message) -> None:
            nonlocal allowed
            if message["type"] == "http.response.start" and message["status"] == 405:
                allowed = dict(message["headers"])[b"allow"]

        await self._as(scope, NO_METHOD, receive, note_allowed)
        return allowed

    async def _as(self, scope: HTTPScope, method: Any, receive: Receive, send: Send) -> None:
        """Serve a request as one with another method."""
        other: Any = {**scope, "method": method, SENT_METHOD: scope["method"]}
        await self._app(other, receive, send)
        if "path_template" in other:
            scope["path_template"] = other["path_template"]


async def refuse(refusal: Refusal, send: Send) -> None:
    """Send a refusal as a problem document."""
    body = encode_problem(status_problem(refusal.status, refusal.detail))
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    if refusal.status == 503:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
    await respond(send, refusal.status, headers, body)


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """Send a response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
