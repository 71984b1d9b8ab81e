"""How many submissions are inside at a time: whoever comes beyond that is told at once when to come again."""

import random
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.shared.errors import Invalid, Unavailable, problem_type
from entrypoints.http.idempotency import as_wish
from entrypoints.http.intents import HEADER, Intents
from entrypoints.http.problems import Problem, title

GUARDED = "/v1/exam-fees"
LARGEST_BODY = 1_000_000
SOONEST, LATEST = 1, 4
"""Seconds after which they may come again, not all in the same one."""
CROWDED = f"more submit than we can serve at this moment: send the same again, with its key and this {HEADER}"


class Door:
    """The layer in front of the application.

    It decides before anything is decoded or priced: under a flood a refusal must cost almost nothing.
    """

    def __init__(self, app: ASGIApp, intents: Intents, most: int) -> None:
        """Let `most` submissions in at a time."""
        self._app, self._intents, self._most, self._inside = app, intents, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or scope["path"].rstrip("/") != GUARDED:
            await self._app(scope, receive, send)
            return
        said = await everything(receive)  # first: whoever holds the rest of his body back must not hold a place
        if self._inside >= self._most and (intent := self._intent(scope, said)) is not None:
            await refuse(intent, send)
            return
        self._inside += 1
        try:
            await self._app(scope, again(said, receive), send)
        finally:
            self._inside -= 1

    def _intent(self, scope: HTTPScope, said: list[Any]) -> dict[str, str] | None:
        """Return what keeps the moment of a wish, or None for one that the application refuses at once anyway."""
        scope["path_template"] = GUARDED  # for the log and the metrics, too
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        body = b"".join(message.get("body", b"") for message in said)
        if len(body) > LARGEST_BODY:
            return None
        try:
            wish = as_wish(scope, headers.get(b"idempotency-key"), body)
            return self._intents.of(self._intents.honour(headers.get(HEADER.lower().encode()), wish))
        except Invalid:
            return None


async def everything(receive: Receive) -> list[Any]:
    """Return what a client says until its body is complete or too large."""
    said, size = list[Any](), 0
    while size <= LARGEST_BODY:
        said.append(message := await receive())
        if message["type"] != "http.request" or not message.get("more_body"):
            break
        size += len(message["body"])
    return said


def again(said: list[Any], receive: Receive) -> Receive:
    """Say the same to somebody else."""
    rest = iter(said)

    async def repeat() -> Any:
        return next(rest, None) or await receive()

    return repeat


async def refuse(intent: dict[str, str], send: Send) -> None:
    """Tell a client to come again."""
    problem = Problem(
        type=problem_type(Unavailable), title=title(Unavailable), status=503, detail=CROWDED, facts=intent or None
    )
    headers = {"Content-Type": "application/problem+json", "Retry-After": str(random.randint(SOONEST, LATEST))} | intent  # noqa: S311 - no secret
    body = msgspec.json.encode(problem)
    headers["Content-Length"] = str(len(body))
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
