"""Admission control: a limited number of submissions is in flight; others get 503 with `Retry-After` at once."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.kernel.errors import Invalid, Unavailable, problem_type
from entrypoints.http.idempotency import RAW_KEY_HEADER, request_context
from entrypoints.http.middleware.route_options import segments
from entrypoints.http.problems import Problem, encode_problem, title
from entrypoints.http.sent_headers import first_of_each
from entrypoints.http.strict_json import BODY
from entrypoints.http.submission_intents import INTENT_HEADER, RAW_INTENT_HEADER, IntentSigner

SUBMISSIONS_PATH = "/v1/exam-fees"
SUBMISSIONS_PATH_SEGMENTS = ("v1", "exam-fees")
MAX_SUBMISSION_BYTES = 64 * 1024
"""The maximum size of a submission, which is kept in memory during the decision about its admission."""
MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS = 1, 4
"""The range of `Retry-After`, random so that the retries of many clients do not coincide."""
MAX_CONCURRENT_REJECTIONS = 128
"""Rejections per round of the event loop, which leaves time for submissions in flight; load shedding sends most."""
OVERLOADED_DETAIL = "too many submissions are in flight: send the same request again, with the same key"
OUTAGE_DETAIL = "the database is unavailable: send the same request again, with the same key"
OverloadResponse = tuple[dict[str, str], bytes]
"""The headers and the body of a 503."""


class AdmissionControl:
    """Counts the submissions in flight, and creates the responses to rejected ones."""

    def __init__(self, intent_signer: IntentSigner, max_in_flight: int) -> None:
        """Admit at most `max_in_flight` concurrent submissions."""
        self.intent_signer, self._max_in_flight, self.in_flight = intent_signer, max_in_flight, 0

    @property
    def full(self) -> bool:
        """Whether the next submission is rejected."""
        return self.in_flight >= self._max_in_flight

    def reject(
        self, scope: HTTPScope, headers: Mapping[bytes, bytes], body: bytes, detail: str = OVERLOADED_DETAIL
    ) -> OverloadResponse | None:
        """Return the rejection of a submission; None for an invalid one, which the application refuses cheaply."""
        if len(body) > MAX_SUBMISSION_BYTES:
            return None
        key, token = (
            headers[name].decode("latin-1") if name in headers else None for name in (RAW_KEY_HEADER, RAW_INTENT_HEADER)
        )
        scope["path_template"] = SUBMISSIONS_PATH  # also read by the log and the metrics
        try:
            context = request_context(scope, key, body)
            return overload_response(self.intent_signer.sign(self.intent_signer.verify(token, context)), detail)
        except Invalid:
            return None


class AdmissionMiddleware:
    """Decides about the admission of a submission before it is decoded or priced."""

    def __init__(self, app: ASGIApp, admission: AdmissionControl) -> None:
        self._app, self._admission, self._rejection_slots = app, admission, asyncio.Semaphore(MAX_CONCURRENT_REJECTIONS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not is_submissions_path(scope["path"]):
            await self._app(scope, receive, send)
            return
        if refused_unread(headers := first_of_each(scope)):
            await self._app(scope, receive, send)
            return
        received = await read_body(receive)  # before admission, so that an incomplete request does not count
        if received["type"] == "http.disconnect":
            return
        if self._admission.full and (rejection := self._admission.reject(scope, headers, received["body"])):
            async with self._rejection_slots:
                await send_response(rejection, send)
                await asyncio.sleep(0)
            return
        if len(received["body"]) > MAX_SUBMISSION_BYTES:
            receive = replaying_receive(received, receive)
        else:
            scope[BODY] = received["body"]  # type: ignore[literal-required]
        self._admission.in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._admission.in_flight -= 1


def is_submissions_path(path: str) -> bool:
    """Return whether Litestar routes a path to submissions; it ignores repeated and trailing slashes."""
    return segments(path) == SUBMISSIONS_PATH_SEGMENTS


def refused_unread(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the application refuses a submission by its headers, so that no body need be sent."""
    return int(headers.get(b"content-length", b"0")) > MAX_SUBMISSION_BYTES or not headers.get(
        b"content-type", b""
    ).lower().startswith(b"application/json")


async def read_body(receive: Receive) -> Any:
    """Return a body, complete or too large, as one message: many small parts take much more memory than their bytes."""
    message: Any = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > MAX_SUBMISSION_BYTES:
            return {**message, "body": bytes(body)}
        message = await receive()
    return message


def replaying_receive(received: Any, receive: Receive) -> Receive:
    """Return a `receive` that first returns the message received before."""
    rest = iter([received])

    async def repeat() -> Any:
        return next(rest, None) or await receive()

    return repeat


def overload_response(intent: dict[str, str], detail: str) -> OverloadResponse:
    """Return a 503 with `Retry-After` and a signed intent."""
    detail = f"{detail} and this {INTENT_HEADER}" if intent else detail
    problem = Problem(
        type=problem_type(Unavailable),
        title=title(Unavailable),
        status=503,
        detail=detail,
        facts=intent or None,
    )
    body = encode_problem(problem)
    retry_after = str(random.randint(MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS))  # noqa: S311 - not a secret
    headers = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), "Retry-After": retry_after}
    return headers | intent, body


async def send_response(response: OverloadResponse, send: Send) -> None:
    """Send a 503."""
    headers, body = response
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
