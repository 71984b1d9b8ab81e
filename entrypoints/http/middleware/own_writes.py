"""Lets each client read what it has written, whichever server of the database answers."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from core.kernel.authorization import current_principal
from core.kernel.own_writes import OwnWrites, Position, View, merged, position_of, text_of, viewing
from entrypoints.http.query_limits import QUERIES

HEADER, RAW_HEADER = "Bursar-Read-After", b"bursar-read-after"
"""In an answer, the last write of the client; in a request, a write of any client that its reads must contain."""
ONLY_SHOW = frozenset({"GET", "HEAD"})
"""Methods whose reads may be stale; every other request, but for GraphQL queries, decides something."""


class OwnWritesMiddleware:
    """Tells reads what they must contain, and remembers each commit before the client learns of it."""

    def __init__(self, app: ASGIApp, own_writes: OwnWrites) -> None:
        self._app, self._own_writes = app, own_writes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        client = client_of_request()
        remembered: Position = {}
        only_shows = scope["method"] in ONLY_SHOW or scope["path"] == QUERIES
        view = View(after=await self._needed(scope, client) if only_shows else None)

        async def remembering_send(message: Message) -> None:
            nonlocal remembered
            if view.written != remembered:
                remembered = view.written
                await self._own_writes.remember(client, remembered)
            if message["type"] == "http.response.start" and remembered:
                message["headers"] = [*message["headers"], (RAW_HEADER, text_of(remembered).encode())]
            await send(message)

        with viewing(view):
            await self._app(scope, receive, remembering_send)

    async def _needed(self, scope: HTTPScope, client: str) -> Position | None:
        """Return what the reads of a request must contain; None, everything, for a header of another form."""
        told = [position_of(value.decode("latin-1")) for name, value in scope["headers"] if name == RAW_HEADER]
        known = await self._own_writes.of(client)
        if known is None or None in told:
            return None
        return merged(known, *(each for each in told if each is not None))


def client_of_request() -> str:
    """Return whose writes a read must contain: those of the account, from every device."""
    principal = current_principal.get()
    return str(principal.account or principal.subject)
