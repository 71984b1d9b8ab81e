"""How many submissions are inside at a time: whoever comes beyond that is told at once when to come again."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.kernel.errors import Invalid, Unavailable, problem_type
from entrypoints.http.idempotency import request_context
from entrypoints.http.problems import Problem, title
from entrypoints.http.submission_intents import INTENT_HEADER, IntentSigner

SUBMISSIONS_PATH = "/v1/exam-fees"
SUBMISSIONS_PATH_SEGMENTS = ["v1", "exam-fees"]
RAW_KEY_HEADER, RAW_INTENT_HEADER = b"idempotency-key", INTENT_HEADER.lower().encode()
MAX_SUBMISSION_BYTES = 64 * 1024
"""Bytes of a submission: it is kept while somebody decides whether it may come in."""
MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS = 1, 4
"""Seconds after which they may come again, not all in the same one."""
MAX_CONCURRENT_REJECTIONS = 128
"""Refusals in one round of the event loop: whoever is inside needs time in it, too.  Most are told at the gate."""
OVERLOADED_DETAIL = "more submit than we can serve at this moment: send the same again, with its key"
OverloadResponse = tuple[dict[str, str], bytes]
"""The headers and the body of a 503."""


class AdmissionControl:
    """Knows how many submissions are inside, and what to tell those who have to stay out."""

    def __init__(self, intent_signer: IntentSigner, most: int) -> None:
        """Let `most` submissions in at a time."""
        self.intent_signer, self._most, self.inside = intent_signer, most, 0

    @property
    def full(self) -> bool:
        """Whether nobody is let in at this moment."""
        return self.inside >= self._most

    def refusal(self, scope: HTTPScope, headers: Mapping[bytes, bytes], body: bytes) -> OverloadResponse | None:
        """Return what turns a submission away, or None for one that the application refuses at once anyway."""
        if len(body) > MAX_SUBMISSION_BYTES:
            return None
        key, token = (
            headers[name].decode("latin-1") if name in headers else None for name in (RAW_KEY_HEADER, RAW_INTENT_HEADER)
        )
        scope["path_template"] = SUBMISSIONS_PATH  # for the log and the metrics, too
        try:
            context = request_context(scope, key, body)
            return overload_response(self.intent_signer.of(self.intent_signer.verify(token, context)))
        except Invalid:
            return None


class AdmissionMiddleware:
    """The layer in front of the application: it decides before anything is decoded or priced."""

    def __init__(self, app: ASGIApp, admission: AdmissionControl) -> None:
        self._app, self._admission, self._rejection_slots = app, admission, asyncio.Semaphore(MAX_CONCURRENT_REJECTIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not is_submissions_path(scope["path"]):
            await self._app(scope, receive, send)
            return
        said = await read_body(receive)  # first: whoever holds the rest of his body back must not hold a place
        body = b"".join(part.get("body", b"") for part in said)
        if self._admission.full and (refusal := self._admission.refusal(scope, dict(scope["headers"]), body)):
            async with self._rejection_slots:
                await tell(refusal, send)
                await asyncio.sleep(0)
            return
        self._admission.inside += 1
        try:
            await self._app(scope, again(said, receive), send)
        finally:
            self._admission.inside -= 1


def is_submissions_path(path: str) -> bool:
    """Return whether the application takes a path for that of submissions: slashes that are too many do not count."""
    return [part for part in path.split("/") if part] == SUBMISSIONS_PATH_SEGMENTS


async def read_body(receive: Receive) -> list[Any]:
    """Return what a client says until its body is complete or too large."""
    said, size = list[Any](), 0
    while size <= MAX_SUBMISSION_BYTES:
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


def overload_response(intent: dict[str, str]) -> OverloadResponse:
    """Return a 503 that says when and how."""
    detail = f"{OVERLOADED_DETAIL} and this {INTENT_HEADER}" if intent else OVERLOADED_DETAIL
    problem = Problem(
        type=problem_type(Unavailable),
        title=title(Unavailable),
        status=503,
        detail=detail,
        facts=intent or None,
    )
    body = msgspec.json.encode(problem)
    after = str(random.randint(MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS))  # noqa: S311 - no secret
    headers = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), "Retry-After": after}
    return headers | intent, body


async def tell(refusal: OverloadResponse, send: Send) -> None:
    """Send a refusal."""
    headers, body = refusal
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
