"""The server under the HTTP application."""

import asyncio
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from litestar.types import ASGIApp

from core.kernel.errors import Invalid
from entrypoints.http.middleware.load_shedding import LoadShedder
from entrypoints.http.protocol.connections import RESERVED_CONNECTIONS, Connections, HttpLimits
from entrypoints.sockets import AddressInUse, bind

TCP_USER_TIMEOUT_SECONDS = 90
"""Seconds after which the operating system closes a connection whose client acknowledges no data."""
GRACEFUL_SHUTDOWN_SECONDS = 1
"""Seconds in which requests in flight can finish at shutdown."""

OTHER_FILES = 128
"""File descriptors for everything but connections of clients: files, the database, brokers, vendors."""


class TooFewFiles(Invalid):
    """The operating system allows this process fewer files than `http.max_connections` needs."""

    problem = "too-few-files"


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: `stop` ends all transports of the process together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind an address, exclusively or shared with other workers; raise `AddressInUse`."""
    listening = bind(host, port, shared=shared)
    # Connections inherit the options.  uvloop sets this one itself; asyncio does not, and each answer waits for an ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # only Linux has it
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


def files_needed(max_connections: int) -> int:
    """Return how many files a process with so many connections opens."""
    return max_connections + RESERVED_CONNECTIONS + OTHER_FILES


def reserve_files(max_connections: int) -> None:
    """Raise the limit of open files as far as the connections need and the system allows; raise `TooFewFiles`."""
    needed = files_needed(max_connections)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in (soft, hard) and hard < needed:
        raise TooFewFiles(
            f"http.max_connections ({max_connections}) needs {needed} open files, and the system allows {hard}:"
            " lower the setting, or raise the limit (ulimit -n, LimitNOFILE)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def serve(
    app: ASGIApp, load_shedder: LoadShedder, listening: socket.socket, stop: asyncio.Event, limits: HttpLimits
) -> None:
    """Serve requests until `stop` is set, and then for `limits.drain_seconds`, each the last one of its connection."""
    connections = Connections(limits)
    config = uvicorn.Config(
        app,
        http=partial(load_shedder.protocol, connections),  # type: ignore[arg-type]  # a factory, which uvicorn accepts
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # it trusts the leftmost entry, which clients write; see `ClientAddressMiddleware`
        lifespan="off",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping, enforcing = asyncio.create_task(stop.wait()), asyncio.create_task(connections.enforce())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    connections.draining = True
    await asyncio.wait({serving}, timeout=limits.drain_seconds)
    server.should_exit = True
    stopping.cancel()
    await serving
    enforcing.cancel()
