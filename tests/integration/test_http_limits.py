"""What a client can hold, and how its leaving is told."""

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator
from copy import copy
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from config.container import Application, running
from config.settings import Adapters, Settings
from entrypoints.http import server
from entrypoints.http.protocol.connections import RESERVED_CONNECTIONS, Connections
from tests.applications import an_application
from tests.conftest import eventually
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import http_app
from tests.integration.http_server import answers, converse, get, limits, post, served

FEE = b'{"schedule": "sahyadri-test", "registration": "T-1"}'
ROW = b'{"key": "k-%d", "schedule": "sahyadri-test", "registration": "T-1"}\n'
HALF_HEAD, HALF_BODY = get()[:-2], post("/v1/quotes", FEE)[:-5]
NDJSON, CSV = "application/x-ndjson", "text/csv"


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(an_application(settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, 4)))
        yield application


class Crowd:
    """Connections that strangers hold open."""

    def __init__(self) -> None:
        self.lines = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()

    async def hold(self, port: int, sent: bytes, number: int = 1) -> asyncio.StreamReader:
        """Send the same bytes on new connections; return the reader of the last."""
        for _ in range(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            self.lines.append((reader, writer))
            writer.write(sent)
        return self.lines[-1][0]

    def leave(self) -> None:
        for _, writer in self.lines:
            writer.transport.abort()
        self.lines.clear()


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.leave()
    await asyncio.sleep(0)


def refusals(reason: str) -> float:
    return REGISTRY.get_sample_value("bursar_http_refusals_total", {"reason": reason}) or 0


def answered(status: int) -> float:
    samples = [each for metric in REGISTRY.collect() if metric.name == "bursar_http_seconds" for each in metric.samples]
    return sum(each.value for each in samples if each.name.endswith("_count") and each.labels["status"] == str(status))


class Blocked:
    """A use case that takes no end until it is released."""

    def __init__(self, application: Application) -> None:
        self.release, self.entered = asyncio.Event(), 0
        use_cases = copy(application.use_cases())
        use_cases.students = replace(use_cases.students, find_student=self)  # type: ignore[arg-type]
        self.app = http_app(application, use_cases=use_cases)

    async def __call__(self, registration: str) -> Any:
        self.entered += 1
        await self.release.wait()
        return []


@pytest.mark.parametrize("held", [b"", HALF_HEAD, b"\r\n", HALF_BODY, get().replace(b"Connection: close\r\n", b"")])
async def test_connections_that_wait_for_their_client_shut_out_no_other(
    application: Application, crowd: Crowd, held: bytes
) -> None:
    before = refusals("evicted")
    with capture_logs() as lines:
        async with served(application, max_connections=20) as port:
            await crowd.hold(port, held, 60)
            for _ in range(5):
                [quote] = await converse(port, post("/v1/quotes", FEE, "Connection: close"))
                assert quote.status == 200
            await eventually(lambda: any(line["event"] == "http_refused" for line in lines))
            crowd.leave()

    assert refusals("evicted") - before >= 40
    told = [line for line in lines if line["event"] == "http_refused"]
    assert (len(told), told[0]["log_level"]) == (1, "warning")


async def test_while_every_connection_is_busy_monitors_are_answered_and_others_told(
    application: Application, crowd: Crowd
) -> None:
    blocked = Blocked(application)
    async with served(application, app=blocked.app, max_connections=3) as port:
        last = await crowd.hold(port, get("/v1/students/T-1"), 3)
        await eventually(lambda: blocked.entered == 3)
        [live], [metrics] = await converse(port, get()), await converse(port, get("/metrics"))
        [quote] = await converse(port, post("/v1/quotes", FEE))
        blocked.release.set()
        assert (await last.read()).startswith(b"HTTP/1.1 200")
        crowd.leave()

    assert (live.status, metrics.status, quote.status) == (200, 200, 503)
    assert int(quote.headers["retry-after"]) >= 1
    assert quote.headers["connection"] == "close"


SLOW = {
    "nothing": (b"", b"", []),
    "half a head": (HALF_HEAD, b"", [408]),
    "a dripping head": (HALF_HEAD + b"X: ", b"a", [408]),
    "empty lines": (b"\r\n", b"\r\n", []),
    "half a body": (HALF_BODY, b"", [408]),
    "a dripping body": (post("/v1/quotes", b" " * 5_000)[:-4_900], b" ", [408]),
    "half a roster": (
        post("/v1/students:import", b"registration,name,category\n", media_type=CSV)[:-1],
        b"",
        [408],
    ),
    "half a batch": (post("/v1/exam-fees:batch", ROW % 1, media_type=NDJSON)[:-1], b"", [408]),
    "half a body after its answer": (post("/v1/nope", b" " * 9_000)[:-1], b"", [404]),
    "an idle connection": (
        get().replace(b"Connection: close\r\n", b""),
        b"",
        [200],
    ),
    "half a second head": (
        get().replace(b"Connection: close\r\n", b"") + HALF_HEAD,
        b"",
        [200, 408],
    ),
}


class Stranger:
    """A connection that never waits for its client."""

    paused = False

    def time_out(self) -> None: ...

    def evict(self) -> None: ...


def test_beyond_the_reserve_no_connection_is_kept() -> None:
    connections, clients = Connections(limits(max_connections=2)), [Stranger() for _ in range(3 + RESERVED_CONNECTIONS)]

    assert [connections.admit(client) for client in clients] == [False] * 2 + [True] * RESERVED_CONNECTIONS + [None]
    for client in clients:
        connections.forget(client)
    assert connections.admit(clients[0]) is False
    connections.forget(clients[0])


async def drip(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], drop: bytes) -> list[int]:
    """Send drops until the server closes the connection; return the statuses of its answers."""
    received, (reader, writer) = b"", line
    async with asyncio.timeout(20):
        while not reader.at_eof():
            try:
                async with asyncio.timeout(0.05):
                    received += await reader.read(65_536)
            except TimeoutError:
                writer.write(drop)
            except ConnectionError:
                break
    return [answer.status for answer in answers(received)]


@pytest.mark.alone
async def test_a_client_that_is_too_slow_is_cut(application: Application, crowd: Crowd) -> None:
    with capture_logs() as lines:
        async with served(application, head_seconds=0.3, body_seconds=0.3, keep_alive_seconds=0.3) as port:
            for sent, _, _ in SLOW.values():
                await crowd.hold(port, sent)
            dripping = (drip(line, drop) for line, (_, drop, _) in zip(crowd.lines, SLOW.values(), strict=True))
            got = await asyncio.gather(*dripping)
            crowd.leave()

    assert dict(zip(SLOW, got, strict=True)) == {name: expected for name, (_, _, expected) in SLOW.items()}
    assert not [line for line in lines if line["log_level"] in ("error", "critical")]


@pytest.mark.alone
async def test_a_connection_is_kept_while_its_client_is_in_time(application: Application, crowd: Crowd) -> None:
    async with served(application, keep_alive_seconds=60.0, head_seconds=0.3, body_seconds=0.3) as port:
        one = get().replace(b"Connection: close\r\n", b"")
        reader = await crowd.hold(port, one)
        await reader.readuntil(b'{"live":true}')
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await reader.read(1)
        crowd.lines[0][1].write(one)
        assert (await reader.readuntil(b'{"live":true}')).startswith(b"HTTP/1.1 200")
        crowd.leave()


async def test_a_client_that_does_not_read_its_answers_is_cut(
    application: Application, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrypoints.http.protocol.ending.UNREAD_SECONDS", 0.2)
    before = refusals("unread_answer")
    async with served(application, keep_alive_seconds=0.2) as port:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(get("/docs-assets/swagger_bundle.js").replace(b"Connection: close\r\n", b"") * 20)
            await eventually(lambda: refusals("unread_answer") == before + 1)
            await eventually(lambda: REGISTRY.get_sample_value("bursar_http_connections") == 0)
        assert (await converse(port, get()))[0].status == 200


@pytest.mark.alone
async def test_a_client_that_reads_slowly_and_steadily_is_not_cut(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrypoints.http.protocol.ending.UNREAD_SECONDS", 0.3)
    before, received = refusals("unread_answer"), 0
    async with served(application) as port:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        line.connect(("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=line, limit=1024)
        requests = [get("/docs-assets/swagger_bundle.js").replace(b"Connection: close\r\n", b"")] * 3
        writer.write(b"".join([*requests, get()]))
        while part := await reader.read(16_000):
            received += len(part)
            await asyncio.sleep(0.01)  # the pace of this client
        writer.close()

    assert received > 3_000_000
    assert refusals("unread_answer") == before


async def test_a_body_without_end_is_discarded_up_to_a_limit(application: Application, crowd: Crowd) -> None:
    async with served(application) as port:
        reader = await crowd.hold(port, post("/v1/nope", b"", "Content-Length: 900000000000", length=False))
        writer = crowd.lines[0][1]
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 404")
        sent = 0
        with pytest.raises(ConnectionError):
            while sent < 100_000_000:
                writer.write(b" " * 100_000)
                await writer.drain()
                sent += 100_000
        crowd.leave()


async def test_refused_bodies_take_turns_and_no_submission_waits_for_them(
    application: Application, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrypoints.http.protocol.turns.SECONDS_PER_TURN", 0.2)
    refused, submitted = answered(413), answered(201)
    async with served(application) as port:
        last = await crowd.hold(port, post("/v1/quotes", b" " * 1_000_000), 20)
        for number in range(5):
            fee = post("/v1/exam-fees", FEE.replace(b"T-1", b"T-%d" % (number % 3 + 1)), f"Idempotency-Key: k-{number}")
            reader = await crowd.hold(port, fee)
            assert (await reader.readline())[9:10] in (b"2", b"4")
        assert answered(413) - refused < 10
        monkeypatch.setattr("entrypoints.http.protocol.turns.SECONDS_PER_TURN", 0.0)
        assert (await last.readline()).startswith(b"HTTP/1.1 413")
        crowd.leave()
    assert answered(201) > submitted


async def test_a_client_that_sends_on_after_its_answer_makes_room_for_a_new_one(
    application: Application, crowd: Crowd
) -> None:
    kept = get().replace(b"Connection: close\r\n", b"")
    async with served(application, max_connections=4) as port:
        idle = await crowd.hold(port, kept)
        await idle.readuntil(b'{"live":true}')
        for _ in range(3):
            reader = await crowd.hold(port, post("/v1/nope", b" " * 90_000)[:-1])
            assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        for _ in range(3):
            assert [each.status for each in await converse(port, get())] == [200]
        crowd.lines[0][1].write(kept)
        assert (await idle.readline()).startswith(b"HTTP/1.1 200")
        crowd.leave()


@pytest.mark.parametrize("number", [100, 1_000_000_000])
def test_the_limit_of_open_files_is_checked_at_start(number: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], 256), before[1]))
        if number == 100:
            server.reserve_files(number)
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 100 + RESERVED_CONNECTIONS
        else:
            with pytest.raises(server.TooFewFiles, match=r"http.max_connections .*ulimit -n"):
                server.reserve_files(number)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


LEAVING: dict[str, bytes] = {
    "a quote": post("/v1/quotes", FEE)[:-3],
    "a submission": post("/v1/exam-fees", FEE, "Idempotency-Key: k")[:-3],
    "a batch": post("/v1/exam-fees:batch", ROW % 1, media_type=NDJSON)[:-3],
    "a batch after its first row": post("/v1/exam-fees:batch", ROW % 1 + ROW % 2, media_type=NDJSON)[:-3],
    "a roster": post("/v1/students:import", b"registration,name,category\nT-1,A,general", media_type=CSV)[:-3],
    "a schedule": post("/v1/fee-schedules/x", FEE)[:-3].replace(b"POST", b"PUT"),
    "a report of a vendor": post(
        "/v1/deliveries/x/reports/twilio", FEE, media_type="application/x-www-form-urlencoded"
    )[:-3],
    "the wait for an answer": get("/v1/students/T-1"),
}


async def leave(application: Application, crowd: Crowd, sent: bytes, politely: bool) -> list[Any]:
    """Leave within a request; return the lines of the log."""
    blocked, left = Blocked(application), answered(499)
    with capture_logs() as lines:
        async with served(application, app=blocked.app) as port:
            reader = await crowd.hold(port, sent)
            if sent == LEAVING["the wait for an answer"]:
                await eventually(lambda: blocked.entered == 1)
            elif sent == LEAVING["a batch after its first row"]:
                await reader.readuntil(b'"line":1')
            else:
                for _ in range(20):
                    await asyncio.sleep(0)
            if politely:
                crowd.lines[0][1].close()
            crowd.leave()
            await eventually(lambda: REGISTRY.get_sample_value("bursar_http_connections") == 0)
            blocked.release.set()
            await eventually(lambda: answered(499) == left + 1)
    return lines


async def test_a_client_that_leaves_is_told_in_one_calm_line(application: Application, crowd: Crowd) -> None:
    failed = answered(500)
    for number, (name, sent) in enumerate(LEAVING.items()):
        lines = await leave(application, crowd, sent, politely=bool(number % 2))
        seen = Counter((line["event"], line["log_level"]) for line in lines)
        assert seen.pop(("request", "info")) == 1, name
        assert not [event for event, level in seen if level not in ("debug", "info")], name

    assert answered(500) == failed


async def test_a_client_that_leaves_within_a_streamed_answer_is_told_so(application: Application, crowd: Crowd) -> None:
    rows = b"".join(ROW % number for number in range(20_000))
    left = answered(499)
    with capture_logs() as lines:
        async with served(application) as port:
            reader = await crowd.hold(port, post("/v1/exam-fees:batch", rows, media_type=NDJSON))
            await reader.readuntil(b'"line":1')
            crowd.leave()
            await eventually(lambda: answered(499) == left + 1)

    assert not [line for line in lines if line["log_level"] in ("warning", "error", "critical")]
