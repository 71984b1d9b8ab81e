"""Bodies that are read as a stream, in parts between which other requests are served."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException

from entrypoints.http.protocol.connections import CLIENT_LEFT


class ClientLeft(HTTPException):
    """The client left before the end of its body."""

    status_code = CLIENT_LEFT


async def body_parts(request: Request[Any, Any, Any], size: int) -> AsyncIterator[bytes]:
    """Yield a body in parts of at most a size, whose choice bounds the time until the next turn of the event loop."""
    try:
        async for chunk in request.stream():
            for at in range(0, len(chunk), size):
                yield chunk[at : at + size]
                await asyncio.sleep(0)
    except InternalServerException as error:
        raise ClientLeft from error
