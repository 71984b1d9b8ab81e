"""The server under the HTTP application."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar.types import ASGIApp

from core.shared.errors import Conflict
from entrypoints.http.gate import Gate

LAST_WORDS = 1
"""Seconds that requests under way have to finish when we stop."""


class AddressInUse(Conflict):
    """Something else listens on this address already."""


class Server(uvicorn.Server):
    """Uvicorn without its own handling of signals: the whole process stops together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Take an address, or raise `AddressInUse`."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


async def serve(app: ASGIApp, gate: Gate, listening: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set."""
    config = uvicorn.Config(
        app,
        http=gate.protocol,  # type: ignore[arg-type]  # whatever returns one
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=LAST_WORDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
