"""A text message vendor in a process of its own: the part of Twilio that accepts messages."""

import asyncio
import sys
from itertools import count

from aiohttp import web

numbers = count()


async def accept(request: web.Request) -> web.Response:
    """Accept any message."""
    await request.read()
    return web.json_response({"sid": f"SM{next(numbers):032x}", "status": "queued"}, status=201)


async def hang(request: web.Request) -> web.Response:
    """Accept a connection and never respond."""
    await request.read()
    await asyncio.Event().wait()
    raise web.HTTPInternalServerError


def main(port: int, *, hanging: bool) -> None:
    """Serve until the process is killed."""
    application = web.Application()
    application.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", hang if hanging else accept)
    web.run_app(application, host="127.0.0.1", port=port, print=lambda _: None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), hanging="hangs" in sys.argv[2:])
