"""A small HTTP listener for monitors: metrics and health of a process, also of one that serves no HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from socket import socket

from core.kernel.health import HealthChecks
from entrypoints.exposition import METRICS_CONTENT_TYPE, exposition
from entrypoints.health import answer
from entrypoints.sockets import bind

MAX_HEAD_BYTES = 8_192
MAX_CONNECTIONS = 32
"""Further ones are closed: a monitor asks again."""
EXCHANGE_SECONDS = 10.0
"""The time for a request and its answer, of which the slowest health check takes three."""


def listen(address: str) -> socket:
    """Bind `host:port`; raise `AddressInUse`."""
    host, _, port = address.rpartition(":")
    return bind(host.strip("[]"), int(port))


@asynccontextmanager
async def monitored(listening: socket, checks: HealthChecks, folder: str | None = None) -> AsyncIterator[None]:
    """Answer `/metrics` and `/health/…` until the block ends; `folder` has the metrics of several processes."""
    listener = Listener(checks, folder)
    server = await asyncio.start_server(listener.connected, sock=listening, limit=MAX_HEAD_BYTES)
    try:
        yield
    finally:
        server.close()
        await listener.close()


class Listener:
    """Answers one request of each connection, and closes it."""

    def __init__(self, checks: HealthChecks, folder: str | None) -> None:
        self._checks, self._folder = checks, folder
        self._tasks: set[asyncio.Task[None]] = set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, or close it at `MAX_CONNECTIONS`."""
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                async with asyncio.timeout(EXCHANGE_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(await self._answer(head))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()  # without effect on a connection that is closed

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method != "GET":
            return response(405, b"", "text/plain", "Allow: GET\r\n")
        if path == "/metrics":
            return response(200, await exposition(self._folder), METRICS_CONTENT_TYPE)
        found = await answer(self._checks, path)
        return response(*found, "application/json") if found else response(404, b"", "text/plain")


def response(status: int, body: bytes, content_type: str, more: str = "") -> bytes:
    """Return the only response of a connection."""
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
