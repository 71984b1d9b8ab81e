"""The server under the HTTP application."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar.types import ASGIApp

from core.kernel.errors import Conflict
from entrypoints.http.middleware.load_shedding import LoadShedder

TCP_USER_TIMEOUT_SECONDS = 90
"""Seconds after which a client who takes nothing of what we send is cut off, by the system."""
GRACEFUL_SHUTDOWN_SECONDS = 1
"""Seconds that requests under way have to finish when we stop."""


class AddressInUse(Conflict):
    """Something else listens on this address already."""

    problem = "address-in-use"


class Server(uvicorn.Server):
    """Uvicorn without its own handling of signals: the whole process stops together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Take an address, alone or with other processes of ours, or raise `AddressInUse`."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it; elsewhere such a client keeps his
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_SECONDS * 1_000)
    return listening


def reserve(host: str, port: int) -> socket.socket:
    """Keep an address for processes of ours that will share it; connections come to them alone."""
    with listen(host, port) as alone:  # whoever would share it with strangers is not told that it is in use
        family, address = alone.family, alone.getsockname()
    kept = socket.socket(family)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        kept.setsockopt(socket.SOL_SOCKET, option, 1)
    if family == socket.AF_INET6:
        kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        kept.bind(address)
    except OSError as error:
        kept.close()
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return kept


async def serve(app: ASGIApp, load_shedder: LoadShedder, listening: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set."""
    config = uvicorn.Config(
        app,
        http=load_shedder.protocol,  # type: ignore[arg-type]  # whatever returns one
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # we judge nobody by where he says he comes from
        lifespan="off",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving
