"""How many submissions are inside at a time: whoever comes beyond that is told at once when to come again."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.shared.errors import Invalid, Unavailable, problem_type
from entrypoints.http.idempotency import as_wish
from entrypoints.http.intents import HEADER, Intents
from entrypoints.http.problems import Problem, title

GUARDED = "/v1/exam-fees"
PARTS = ["v1", "exam-fees"]
KEY, INTENT = b"idempotency-key", HEADER.lower().encode()
LARGEST_BODY = 64 * 1024
"""Bytes of a submission: it is kept while somebody decides whether it may come in."""
SOONEST, LATEST = 1, 4
"""Seconds after which they may come again, not all in the same one."""
AT_ONCE = 128
"""Refusals in one round of the event loop: whoever is inside needs time in it, too.  Most are told at the gate."""
CROWDED = "more submit than we can serve at this moment: send the same again, with its key"
Refusal = tuple[dict[str, str], bytes]
"""The headers and the body of a 503."""


class Door:
    """Knows how many submissions are inside, and what to tell those who have to stay out."""

    def __init__(self, intents: Intents, most: int) -> None:
        """Let `most` submissions in at a time."""
        self.intents, self._most, self.inside = intents, most, 0

    @property
    def full(self) -> bool:
        """Whether nobody is let in at this moment."""
        return self.inside >= self._most

    def refusal(self, scope: HTTPScope, headers: Mapping[bytes, bytes], body: bytes) -> Refusal | None:
        """Return what turns a submission away, or None for one that the application refuses at once anyway."""
        if len(body) > LARGEST_BODY:
            return None
        key, token = (headers[name].decode("latin-1") if name in headers else None for name in (KEY, INTENT))
        scope["path_template"] = GUARDED  # for the log and the metrics, too
        try:
            wish = as_wish(scope, key, body)
            return come_again(self.intents.of(self.intents.honour(token, wish)))
        except Invalid:
            return None


class Guarded:
    """The layer in front of the application: it decides before anything is decoded or priced."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door, self._refusing = app, door, asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not is_guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        said = await everything(receive)  # first: whoever holds the rest of his body back must not hold a place
        body = b"".join(part.get("body", b"") for part in said)
        if self._door.full and (refusal := self._door.refusal(scope, dict(scope["headers"]), body)):
            async with self._refusing:
                await tell(refusal, send)
                await asyncio.sleep(0)
            return
        self._door.inside += 1
        try:
            await self._app(scope, again(said, receive), send)
        finally:
            self._door.inside -= 1


def is_guarded(path: str) -> bool:
    """Return whether the application takes a path for that of submissions: slashes that are too many do not count."""
    return [part for part in path.split("/") if part] == PARTS


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


def come_again(intent: dict[str, str]) -> Refusal:
    """Return a 503 that says when and how."""
    detail = f"{CROWDED} and this {HEADER}" if intent else CROWDED
    problem = Problem(
        type=problem_type(Unavailable),
        title=title(Unavailable),
        status=503,
        detail=detail,
        facts=intent or None,
    )
    body = msgspec.json.encode(problem)
    after = str(random.randint(SOONEST, LATEST))  # noqa: S311 - no secret
    headers = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), "Retry-After": after}
    return headers | intent, body


async def tell(refusal: Refusal, send: Send) -> None:
    """Send a refusal."""
    headers, body = refusal
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
