"""A real server over an application, and clients that speak to it in bytes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from config.container import Application
from config.settings import Settings
from entrypoints.http import server
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.middleware.authentication import Authentication
from entrypoints.http.middleware.load_shedding import LoadShedder
from tests.integration.admission import http_app, unlimited_admission

HTTP = Settings().http
DEADLINE_SECONDS = 20


def limits(**changes: Any) -> Any:
    """Return the settings of HTTP with changes."""
    return msgspec.structs.replace(HTTP, **changes)


@asynccontextmanager
async def served(
    application: Application, *, app: Any = None, admission: AdmissionControl | None = None, **changes: Any
) -> AsyncIterator[int]:
    """Serve an application with changed settings of HTTP; return the port."""
    admission, stop, listening = admission or unlimited_admission(), asyncio.Event(), server.listen("127.0.0.1", 0)
    app = app or http_app(application, admission=admission)
    authentication = Authentication(application.use_cases().identity)
    shedder = LoadShedder(admission, authentication, application.process.clock())
    serving = asyncio.create_task(server.serve(app, shedder, listening, stop, limits(**changes)))
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        await serving


class Answer:
    """One response as it arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        status, *lines = head.decode("latin-1").strip().split("\r\n")
        self.status, self.body = int(status.split()[1]), body
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:200]!r}"


def answers(received: bytes, *methods: str) -> Iterator[Answer]:
    """Split what a client received; `methods` are those of its requests."""
    asked = iter(methods)
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, f"half a head: {head!r}"
        answer = Answer(head, b"")
        if answer.status < 200 or answer.status in (204, 304) or next(asked, "") == "HEAD":
            yield answer
            continue
        if answer.headers.get("transfer-encoding") == "chunked":
            while (size := int(received.partition(b"\r\n")[0], 16)) or not received.startswith(b"0"):
                received = received.partition(b"\r\n")[2]
                answer.body, received = answer.body + received[:size], received[size + 2 :]
            received = received.removeprefix(b"0\r\n\r\n")
        else:
            length = int(answer.headers.get("content-length", len(received)))
            answer.body, received = received[:length], received[length:]
        yield answer


async def converse(port: int, *parts: bytes, methods: tuple[str, ...] = (), half_close: bool = False) -> list[Answer]:
    """Send the parts in packets of their own; return the answers until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            for part in parts:
                writer.write(part)
                await writer.drain()
                for _ in range(20):  # so that the server receives the part separately
                    await asyncio.sleep(0)
            received = b""
            try:
                while data := await reader.read(65_536):
                    received += data
            except ConnectionResetError:
                pass
            return list(answers(received, *methods))
    finally:
        writer.close()


def get(path: str = "/health/live", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request without a body, the last one of its connection."""
    lines = "".join(f"{line}\r\n" for line in ("Host: office", *headers, "Connection: close"))
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode()


def post(path: str, body: bytes, *headers: str, media_type: str = "application/json", length: bool = True) -> bytes:
    """Return a request with a body."""
    named = [f"Content-Type: {media_type}", *([f"Content-Length: {len(body)}"] if length else []), *headers]
    lines = "".join(f"{line}\r\n" for line in ("Host: office", *named))
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@contextmanager
def hung_up(writers: list[asyncio.StreamWriter]) -> Iterator[None]:
    """Close connections at the end."""
    try:
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


def without_trace(problem: dict[str, Any]) -> dict[str, Any]:
    """Return a problem document without the id of its request's trace."""
    return {name: value for name, value in problem.items() if name != "trace_id"}
