"""Load shedding: the same rejections as those of the application, however the bytes are split."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from config.container import running
from config.settings import Adapters, Settings
from entrypoints.http import server
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.middleware.authentication import Authentication
from entrypoints.http.middleware.load_shedding import LoadShedder
from entrypoints.http.submission_intents import IntentSigner
from tests.applications import an_application
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app

BODY = b'{"schedule": "sahyadri-test", "registration": "T-1"}'
PLAIN_HEADERS = {
    "Host": "office",
    "Content-Type": "application/json",
    "Content-Length": str(len(BODY)),
    "Idempotency-Key": "k",
}
LIVE = b"GET /health/live HTTP/1.1\r\nHost: office\r\n\r\n"


def request(body: bytes = BODY, path: str = "/v1/exam-fees", **headers: str) -> bytes:
    named = PLAIN_HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class RawConnection:
    """One TCP connection with explicit bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> tuple[int, dict[str, str], bytes]:
        """Return the next response."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return int(status.split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    async def rest(self) -> bytes:
        """Return the bytes until the server closes the connection."""
        async with asyncio.timeout(5):
            return await self._reader.read()

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.receive()


class RunningGate:
    """A served application, its port and its admission control."""

    def __init__(self, admission: AdmissionControl, port: int) -> None:
        self.admission, self._port, self._writers = admission, port, list[asyncio.StreamWriter]()

    async def line(self) -> RawConnection:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        return RawConnection(reader, writer)

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.close()
            await writer.wait_closed()

    def exhaust_admission(self) -> None:
        self.admission.in_flight += 1

    def release_admission(self) -> None:
        self.admission.in_flight -= 1


@pytest.fixture
async def gate() -> AsyncIterator[RunningGate]:
    admission = AdmissionControl(IntentSigner(b"a secret", timedelta(minutes=15)), 1)
    async with running(an_application(Settings(adapters=Adapters(persistence="memory")))) as application:
        stop, clock = asyncio.Event(), application.process.clock()
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, 4)))
        key = await an_api_key(application)
        await application.use_cases().identity.authenticate_api_key(key)  # only known keys are rejected at the gate
        PLAIN_HEADERS["Authorization"] = f"Bearer {key}"
        authentication = Authentication(application.use_cases().identity)
        app = http_app(application, admission=admission)
        listening = server.listen("127.0.0.1", 0)
        serving = asyncio.create_task(
            server.serve(app, LoadShedder(admission, authentication, clock), listening, stop, Settings().http)
        )
        served = RunningGate(admission, listening.getsockname()[1])
        yield served
        await served.hang_up()
        stop.set()
        await serving


@pytest.mark.parametrize(("cut", "at_the_gate"), [(0, True), (10, False), (-len(BODY), False), (-3, False)], ids=str)
async def test_a_refusal_is_the_same_however_the_request_is_cut(gate: RunningGate, cut: int, at_the_gate: bool) -> None:
    line, whole = await gate.line(), request()
    gate.exhaust_admission()
    await line.send(whole[:cut])
    for _ in range(20 if cut else 0):  # so that the server receives the part separately
        await asyncio.sleep(0)
    status, headers, body = await line.ask(whole[cut:])
    alive = await line.ask(LIVE)
    gate.release_admission()
    token = headers["submission-intent"]
    stored = await line.ask(request(Submission_Intent=token))

    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert 1 <= int(headers["retry-after"]) <= 4
    assert token.encode() in body
    assert {"x-request-id", "traceparent", "x-content-type-options"} <= headers.keys()
    assert ("date" in headers) is not at_the_gate, "it is uvicorn that writes the date"
    assert (alive[0], stored[0]) == (200, 201)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"0\r\n\r\n", Transfer_Encoding="chunked", Content_Length="5"), 400),
        (request(Idempotency_Key=""), 400),
        (request(Submission_Intent="forged"), 422),
        (request(b"", Content_Length="0", Idempotency_Key="k"), 503),
        (request(path="/v1/quotes"), 200),
        (request().replace(b"Host", b"Content-Length: 1\r\nHost"), 400),
        (request().replace(b"\r\nHost", b"\r\n Host"), 400),
        (request().replace(b"HTTP/1.1", b"HTTP/1.0"), 503),
    ],
)
async def test_a_request_the_gate_cannot_judge_is_passed_to_the_application(
    gate: RunningGate, sent: bytes, status: int
) -> None:
    line = await gate.line()
    gate.exhaust_admission()

    assert (await line.ask(sent))[0] == status


async def test_a_connection_close_request_gets_one_response(gate: RunningGate) -> None:
    line = await gate.line()
    gate.exhaust_admission()
    answer = await line.ask(request(Connection="close"))

    assert (answer[0], await line.rest()) == (503, b"")


async def test_what_looks_like_a_request_within_another_is_none(gate: RunningGate) -> None:
    line = await gate.line()
    gate.exhaust_admission()
    await line.send(LIVE.replace(b"\r\n\r\n", b"\r\nX-Said: "))
    for _ in range(20):
        await asyncio.sleep(0)

    assert (await line.ask(request()))[0] == 400, "one head with two hosts"


async def test_a_head_without_end_is_left_to_the_application_at_once(gate: RunningGate) -> None:
    line = await gate.line()
    gate.exhaust_admission()
    await line.send(b"POST /v1/exam-fees HTTP/1.1\r\n" + b"A: b\r\n" * 1_000 + b"C")
    other = await gate.line()

    async with asyncio.timeout(5):
        assert (await other.ask(request()))[0] == 503


async def test_one_request_behind_another_is_answered_after_it(gate: RunningGate) -> None:
    line = await gate.line()
    gate.exhaust_admission()
    await line.send(LIVE + request())

    assert [(await line.receive())[0] for _ in range(2)] == [200, 503]
    await line.send(request() + LIVE)
    assert [(await line.receive())[0] for _ in range(2)] == [503, 200]


async def test_no_request_is_rejected_while_a_slot_is_free(gate: RunningGate) -> None:
    lines = [await gate.line() for _ in range(3)]
    answers = []
    for number, line in enumerate(lines, 1):
        body = BODY.replace(b"T-1", f"T-{number}".encode())
        answers.append((await line.ask(request(body, Idempotency_Key=f"k{number}")))[0])

    assert answers == [201, 201, 201]
