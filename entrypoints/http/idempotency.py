"""The `Idempotency-Key` header: a repeated request gets the first answer, byte for byte."""

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.types import HTTPScope

from core.kernel.authorization import current_principal
from core.kernel.constraints import Text
from core.kernel.errors import Invalid
from core.kernel.idempotency import Answers, RequestContext, execute_once
from entrypoints.http.sent_headers import SentHeader, sent
from entrypoints.http.strict_json import EncodedJson
from entrypoints.http.submission_intents import IntentSigner, InvalidIntent

REPLAYED = ((b"idempotency-replayed", b"true"),)
KEY = Text("1 to 255 visible ASCII characters", r"[\x21-\x7e]{1,255}")
IDEMPOTENCY_KEY = SentHeader(
    "Idempotency-Key",
    KEY,
    "The client's name for this request: 1 to 255 visible ASCII characters, a new one for each request;"
    " repeat a request with the same key. Keys are kept for 24 hours, if the office sets no other time.",
    required=True,
)
RAW_KEY_HEADER = IDEMPOTENCY_KEY.raw_name


class MissingIdempotencyKey(Invalid):
    """The request needs an `Idempotency-Key` header, so that the client can repeat it safely."""

    problem = "missing-idempotency-key"


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Answers a repeated request with its first answer."""

    answers: Answers
    intent_signer: IntentSigner

    async def context(self, request: Request[Any, Any, Any], intent: str | None = None) -> RequestContext:
        """Return the identity and the first arrival of a request.

        Raises `MissingIdempotencyKey` and `InvalidIntent`.
        """
        context = request_context(request.scope, sent(request.scope, RAW_KEY_HEADER), await request.body())
        try:
            context = self.intent_signer.verify(intent, context)
        except InvalidIntent:  # a request that took effect gets its answer, however late it is repeated
            if await self.answers.find(context) is None:
                raise
            return context
        # Read by the handler of `Unavailable`: the answer then carries the intent for a later attempt.
        request.scope["sign_intent"] = partial(self.intent_signer.sign, context)  # type: ignore[typeddict-unknown-key]
        return context

    async def respond(self, context: RequestContext, acting: Awaitable[object]) -> Response[Any]:
        """Respond 201 with the result, or with the stored answer if the same request took effect before."""
        result = await execute_once(self.answers, context, acting)
        if isinstance(result, bytes):
            return EncodedJson(result, 201, REPLAYED)
        return EncodedJson(msgspec.json.encode(result), 201)


def request_context(scope: HTTPScope, key: str | None, body: bytes) -> RequestContext:
    """Return the identity of a request; raise `MissingIdempotencyKey`."""
    if not key:
        raise MissingIdempotencyKey("send an Idempotency-Key header: a new name for this request")
    if not KEY.admits(key):
        raise MissingIdempotencyKey(f"an Idempotency-Key is {KEY.rule}")
    return RequestContext(
        arrived=scope["arrived"],  # type: ignore[typeddict-item]
        scope=scope_of(f"{scope['method']} {scope['path_template']}"),
        key=key,
        fingerprint=sha256(body).digest(),
    )


def scope_of(route: str) -> str:
    """Return the namespace of the idempotency keys of the caller on a route: callers do not share keys."""
    caller = current_principal.get()
    return f"{caller.account or caller.subject} {route}"
