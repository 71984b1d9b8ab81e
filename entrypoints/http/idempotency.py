"""The `Idempotency-Key` header: the same wish again gets the first answer, byte for byte."""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.params import HeaderParameter
from litestar.types import HTTPScope

from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext, once

KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        required=True,
        description="Your name for this wish: 1 to 255 visible characters, a new one for each wish. Kept for 24 hours.",
    ),
]


class MissingIdempotencyKey(Invalid):
    """The request needs an `Idempotency-Key` header, so that it can be repeated safely."""

    problem = "missing-idempotency-key"


async def respond_idempotently(
    request: Request[Any, Any, Any],
    key: str | None,
    act: Callable[[RequestContext], Awaitable[object]],
    intent: str | None = None,
) -> Response[Any]:
    """Act and answer 201, or answer a repeated request as it was answered first."""
    context, state = request_context(request.scope, key, await request.body()), request.app.state

    async def honoured() -> object:
        meant = state.intent_signer.verify(intent, context)
        request.scope["wish"] = meant  # type: ignore[typeddict-unknown-key]  # if we fail, it may come again
        return await act(meant)

    # From the application and not injected: two dependencies of a handler would cost a group of tasks.
    result = await once(state.answers, context, honoured)
    if isinstance(result, bytes):
        return created(result, {"Idempotency-Replayed": "true"})
    return created(msgspec.json.encode(result), {})


def request_context(scope: HTTPScope, key: str | None, body: bytes) -> RequestContext:
    """Return what makes a request the same as another; raise `MissingIdempotencyKey`."""
    if not key:
        raise MissingIdempotencyKey("send an Idempotency-Key header: any new name for this wish")
    if not KEY_PATTERN.fullmatch(key):
        raise MissingIdempotencyKey("an Idempotency-Key is 1 to 255 visible ASCII characters")
    return RequestContext(
        arrived=scope["arrived"],  # type: ignore[typeddict-item]
        scope=f"{scope['method']} {scope['path_template']}",
        key=key,
        fingerprint=sha256(body).digest(),
    )


def created(body: bytes, headers: dict[str, str]) -> Response[Any]:
    """Answer 201 with JSON that is encoded already."""
    return Response(body, status_code=201, media_type="application/json", headers=headers)
