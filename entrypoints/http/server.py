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
"""Seconds after which the operating system closes a connection whose client acknowledges no data."""
GRACEFUL_SHUTDOWN_SECONDS = 1
"""Seconds in which requests in flight can finish at shutdown."""


class AddressInUse(Conflict):
    """Another process listens on this address."""

    problem = "address-in-use"


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: `stop` ends all transports of the process together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind an address, exclusively or shared with other workers; raise `AddressInUse`."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it; only Linux has it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_SECONDS * 1_000)
    return listening


def reserve(host: str, port: int) -> socket.socket:
    """Bind an address without accepting connections, for the workers that share it; raise `AddressInUse`."""
    with listen(host, port) as exclusive:  # a shared bind succeeds even if another program shares the address
        family, address = exclusive.family, exclusive.getsockname()
    reserved = socket.socket(family)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        reserved.setsockopt(socket.SOL_SOCKET, option, 1)
    if family == socket.AF_INET6:
        reserved.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        reserved.bind(address)
    except OSError as error:
        reserved.close()
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return reserved


async def serve(app: ASGIApp, load_shedder: LoadShedder, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve requests until `stop` is set."""
    config = uvicorn.Config(
        app,
        http=load_shedder.protocol,  # type: ignore[arg-type]  # a factory, which uvicorn accepts
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the address of a client decides nothing
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
