"""No request keeps the event loop, and with it all other requests, for longer than 50 ms."""

import asyncio
import gc
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute

from config.container import Application, running
from config.settings import Adapters, Settings
from entrypoints.http.app import MAX_BODY_BYTES
from entrypoints.http.fees.fee_schedules import MAX_SCHEDULE_BYTES
from entrypoints.routes import ROUTES
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import http_app
from tests.integration.http_server import served

MAX_STALL_SECONDS = 0.05
REFERENCE_SECONDS = 0.02
"""The processor time of the work of `slowness` on a machine that has nothing else to do."""
STREAM_BYTES = 128 * 1024
NDJSON, CSV, FORM, JSON = "application/x-ndjson", "text/csv", "application/x-www-form-urlencoded", "application/json"
ROSTER = b"registration,name,category\n"
A_FEE = '{"schedule": "sahyadri-test", "registration": "T-1", '


def repeated(unit: bytes, size: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return a body of at most a size, in which a unit is repeated."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def numbered(unit: str, size: int) -> bytes:
    """Return units with different numbers."""
    return "".join(unit % number for number in range(size // len(unit % 100_000))).encode()


def json_bodies(size: int) -> Iterator[bytes]:
    """Yield JSON that is costly to decode, to check or to refuse."""
    yield repeated(b"[", size)
    yield repeated(b'{"a":', size)
    yield repeated(b"1,", size, b"[", b"1]")
    yield repeated(b"{},", size, b"[", b"1]")
    yield repeated(b'{"a":1},', size, b"[", b"1]")
    yield repeated(b'"a":1,', size, b"{", b'"b":1}')
    yield b"{" + numbered('"k%06d":1,', size - 10) + b'"z":1}'
    yield b"{" + numbered('"k%06d":1,', size - 20) + b'"z":1,"z":1}'
    yield b'{"rules":[{' + numbered('"k%06d":1,', size - 40) + b'"z":1,"z":1}]}'
    yield b"[" + repeated(b"[" * 63 + b"]" * 63 + b",", size - 10) + b"1]"
    yield b"[" + repeated(b'{"a":' * 62 + b"1" + b"}" * 62 + b",", size - 10) + b"1]"
    yield repeated(b"[" * 500 + b"]" * 500 + b",", size - 10, b"[", b"1]")
    yield repeated(b"1e400,", size, b"[", b"1]")
    yield repeated(b"9", size, b'{"quantity":1e', b"}")
    yield repeated(b"a", size, b'"', b'"')
    yield repeated(b"\\u00e9", size, b'{"schedule":"', b'"}')
    yield repeated(b"9", size)
    yield repeated(b"9", size, b'{"quantity":', b"}")
    yield repeated(b" ", size)
    yield repeated(b"\xff", size)
    for name in ("papers", "practicals"):
        listed = numbered('"%06d",', size - 200)
        yield A_FEE.encode() + f'"papers": ["041"], "{name}": ['.encode() + listed + b'"1"]}'
        yield A_FEE.encode() + f'"{name}": ['.encode() + listed + b'"1"]}'


def schema_bodies(schema: dict[str, Any], size: int) -> Iterator[bytes]:
    """Yield objects with a long value in each of their members."""
    for name in schema.get("properties", {}):
        begin = json.dumps({"code": "x", name: 0})[:-2].encode()
        yield repeated(b"a", size, begin + b'"', b'"}')
        yield repeated(b'"a",', size, begin + b"[", b'"a"]}')
        yield begin + b"{" + numbered('"k%06d":{"a":1},', size - 200) + b'"z":1}}'


def ndjson_bodies() -> Iterator[bytes]:
    yield repeated(b"a\n", STREAM_BYTES)
    yield repeated(b"{}\n", STREAM_BYTES)
    yield repeated(b"\n", STREAM_BYTES)
    yield repeated(b"a", STREAM_BYTES)
    yield repeated(b"[" * 60_000 + b"\n", STREAM_BYTES)
    yield repeated(b"[" * 500 + b"]" * 500 + b"\n", STREAM_BYTES)
    yield repeated(b"{" + numbered('"k%06d":1,', 60_000) + b'"z":1,"z":1}\n', STREAM_BYTES)
    yield repeated(b"[" + b"1," * 30_000 + b"1]\n", STREAM_BYTES)
    yield numbered('{"key":"k%06d","schedule":"nope","registration":"T-1"}\n', STREAM_BYTES)
    papers = ",".join(f'"{number:06d}"' for number in range(7_000))
    yield repeated(f'{{"key":"k","papers":[{papers}],{A_FEE[1:-2]}}}\n'.encode(), STREAM_BYTES)


def csv_bodies() -> Iterator[bytes]:
    for unit in (b"a\n", b"\n", b'"\n', b'"', b",", b'a,"\n', b'"","\n"\n', b"a,b,c,d\n", b"\xff\n", b"a", b"\r"):
        yield repeated(unit, STREAM_BYTES, ROSTER)
        yield repeated(unit, STREAM_BYTES)
    yield ROSTER + numbered("R%06d,Asha,general\n", STREAM_BYTES)
    yield b"registration,name,category,certificates\nT-9,A,general," + b"c " * 30_000 + b"\n"


def form_bodies() -> Iterator[bytes]:
    for unit in (b"a=&", b"%41=1&", b"a", b"&"):
        yield repeated(unit, 20_000)


def bodies(path: str, schema: dict[str, Any]) -> dict[str, list[bytes]]:
    size = MAX_SCHEDULE_BYTES if "fee-schedules" in path else MAX_BODY_BYTES
    return {
        JSON: [*json_bodies(size), *schema_bodies(schema, size)],
        NDJSON: [*ndjson_bodies()],
        CSV: [*csv_bodies()],
        FORM: [*form_bodies()],
    }


def requests(method: str, path: str, schema: dict[str, Any]) -> Iterator[tuple[str, list[str], bytes]]:
    """Yield targets, headers and bodies of requests that are as costly as the limits allow."""
    for query in ("a=1&" * 1_700, "limit=1&" * 800, "%41=%42&" * 800, "a" * 6_000, "after=" + "9" * 6_000, "&" * 6_000):
        yield f"{path}?{query}", [], b""
    yield path, ["Cookie: " + "a=b; " * 6_000], b""
    yield path, ["Prefer: " + "wait=1, " * 3_500], b""
    yield path, ["Accept: " + "a/b;q=0.1, " * 2_500], b""
    yield path, [f"X-{number}: {'y' * 300}" for number in range(90)], b""
    if method in ("POST", "PUT", "PATCH"):
        for media_type, each in bodies(path, schema).items():
            for body in each:
                yield path, [f"Content-Type: {media_type}", "Idempotency-Key: k"], body


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Yield every method and path of an application."""
    while not isinstance(app, Litestar):
        app = app._app
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method in sorted({*route.methods} - {"OPTIONS"}):
                yield method, route.path_format


class Office:
    """A served application, and the longest stall of its loop."""

    def __init__(self, app: Any, port: int) -> None:
        self.app, self.port, self.worst = app, port, 0.0

    async def watch(self) -> None:
        """Note the most processor time that the loop takes between two turns of this task."""
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, time.thread_time() - began)

    def ask(self, method: str, target: str, headers: list[str], body: bytes) -> int:
        """Send one request from another thread; return the status, or 0 of a closed connection."""
        lines = "".join(f"{line}\r\n" for line in ("Host: office", "Connection: close", *headers))
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            try:
                line.sendall(f"{method} {target} HTTP/1.1\r\n{lines}{length}\r\n".encode() + body)
                status = line.recv(65_536)
                while line.recv(1_000_000):
                    pass
            except ConnectionError:
                return 0
        return int(status[9:12] or 0)


def slowness() -> float:
    """Return how many times as much processor time as on an idle machine the same work takes now, at least once."""
    took = []
    for _ in range(5):
        began = time.thread_time()
        sum(number * number for number in range(300_000))
        took.append(time.thread_time() - began)
    return max(1.0, min(took) / REFERENCE_SECONDS)


@asynccontextmanager
async def an_office() -> AsyncIterator[Office]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, 4)))
        app = http_app(application, documented=True)
        gc.collect()
        gc.freeze()  # as `bursar serve` does
        async with served(application, app=app) as port:
            office = Office(app, port)
            watching = asyncio.create_task(office.watch())
            yield office
            watching.cancel()
        gc.unfreeze()


async def schemas(office: Office) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the documented schema of each JSON body."""
    app = office.app
    while not isinstance(app, Litestar):
        app = app._app
    document = app.openapi_schema.to_schema()
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get(JSON, {}).get("schema", {})
            if "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            found[method.upper(), path] = schema
    return found


async def test_no_request_keeps_the_loop() -> None:
    stalls: dict[str, float] = {}
    asked = 0
    async with an_office() as office:
        documented = await schemas(office)
        every = [*routes(office.app)]
        assert len(every) > 30
        for method, path in every:
            wrong: set[str] = set()
            for target, headers, body in requests(method, path, documented.get((method, path), {})):
                if headers and headers[0] in wrong:
                    continue
                for attempt in range(3):  # a stall that repeats is that of the request
                    office.worst = 0.0
                    status = await asyncio.to_thread(office.ask, method, target, headers, body)
                    asked += 1
                    stall = office.worst
                    if stall <= MAX_STALL_SECONDS or stall <= MAX_STALL_SECONDS * await asyncio.to_thread(slowness):
                        break
                    if attempt == 2:
                        stalls[f"{method} {path} {headers[:1]} {len(body)} {target[-20:]} {body[:60]!r} {status}"] = (
                            stall
                        )
                if status == 415 and headers:
                    wrong.add(headers[0])

    assert not stalls
    assert asked > 500
