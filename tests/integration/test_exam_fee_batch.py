"""`POST /v1/exam-fees:batch` over each kind of storage."""

import asyncio
import dataclasses
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from copy import copy
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from config.settings import Settings
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.errors import Unavailable
from core.kernel.idempotency import RequestContext
from entrypoints.http import ndjson
from entrypoints.http.fees.exam_fee_batch import MAX_CONCURRENT_UPLOADS, MAX_ROWS_IN_FLIGHT
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.ndjson import MAX_LINE_BYTES
from entrypoints.http.submission_intents import IntentSigner
from tests.conftest import eventually
from tests.databases import DatabasePool, statements
from tests.examples import a_schedule, a_student, enrol, publish, unpublished
from tests.integration.admission import http_app
from tests.integration.http_server import served, without_trace
from tests.integration.test_group_commit import on_both
from tests.integration.test_http_api import CLOSED, REFUSED, Api, assert_problem, opened

PATH = "/v1/exam-fees:batch"
ROWS = {"Content-Type": "application/x-ndjson"}
ROWS_PER_REQUEST = 300
"""The number of candidates, more than are in flight at a time."""
on_memory = pytest.mark.parametrize("stored_settings", ["memory"], indirect=True)
BatchAnswers = list[dict[str, Any]]


@pytest.fixture
async def api(stored_settings: Settings, commits: str, prepared: DatabasePool) -> AsyncIterator[Api]:
    chosen = replace(stored_settings, adapters=replace(stored_settings.adapters, commits=commits))
    async with prepared.acquire(chosen) as settings, opened(settings) as api:
        await publish(api.application, a_schedule())
        await enrol(api.application, *(a_student(number) for number in range(ROWS_PER_REQUEST)))
        yield api


def a_row(number: int, key: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"key": key or f"key-{number}", "schedule": "sahyadri-test", "registration": f"T-{number}"} | changes


def file_of(*rows: dict[str, Any] | bytes) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


async def send(api: Api, *rows: dict[str, Any] | bytes) -> BatchAnswers:
    response = await api("POST", PATH, content=file_of(*rows), headers=ROWS)
    assert (response.status_code, response.headers["content-type"]) == (200, ROWS["Content-Type"])
    return [json.loads(line) for line in response.text.splitlines()]


def statuses(told: BatchAnswers) -> list[int]:
    return [each["status"] for each in told]


async def stored(api: Api) -> int:
    return len(await unpublished(api.application, 10_000))


class AsgiConnection:
    """One ASGI connection: received and sent parts, one by one."""

    def __init__(self, app: Any) -> None:
        self._app, self.taken, self.told, self.ended = app, 0, list[dict[str, Any]](), False

    async def run(
        self,
        chunks: AsyncIterator[bytes] | Sequence[bytes],
        sent: Callable[[], Awaitable[object]] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        """Send chunks; then the request ends or, with `cut`, the client disconnects."""
        coming = chunks if isinstance(chunks, AsyncIterator) else each(chunks)

        async def receive() -> dict[str, Any]:
            if (chunk := await anext(coming, None)) is not None:
                self.taken += 1
                return {"type": "http.request", "body": chunk, "more_body": True}
            return {"type": "http.disconnect"} if cut else {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            self.ended |= message["type"] == "http.response.body" and not message["more_body"]
            self.told += map(json.loads, message.get("body", b"").splitlines())
            if sent:
                await sent()

        scope = {"type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b""}
        headers = [(b"content-type", ROWS["Content-Type"].encode())]
        more = {"asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "", "server": None}
        await self._app(scope | more | {"headers": headers, "client": ("127.0.0.1", 1)}, receive, send)


async def each(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_every_row_is_submitted_and_answered_in_order(api: Api) -> None:
    told = await send(api, *(a_row(number) for number in range(ROWS_PER_REQUEST)))

    assert [(row["line"], row["key"]) for row in told] == [(at + 1, f"key-{at}") for at in range(ROWS_PER_REQUEST)]
    assert set(statuses(told)) == {201}
    assert await stored(api) == ROWS_PER_REQUEST
    receipt = told[-1]["submission"]
    shown = (await api("GET", f"/v1/exam-fees/{receipt['reference']}")).json()
    assert receipt == {name: shown[name] for name in receipt}
    assert receipt["total"] == {"minor": 50_000, "currency": "INR"}


async def test_the_same_rows_again_are_told_the_same_however_they_are_written(api: Api) -> None:
    first = await send(api, *(a_row(number) for number in range(3)))
    again = await send(api, *(json.dumps(dict(reversed(a_row(at).items())), indent=None).encode() for at in (2, 1, 0)))

    assert [row["submission"] for row in again] == [row["submission"] for row in reversed(first)]
    assert [row.get("replayed") for row in first + again] == [None] * 3 + [True] * 3
    assert await stored(api) == 3


async def test_after_a_cut_the_same_file_brings_only_what_is_missing(api: Api) -> None:
    whole, wire = file_of(*(a_row(number) for number in range(ROWS_PER_REQUEST))), AsgiConnection(api.app)
    cut = len(whole) // 2
    await wire.run([whole[: cut // 3], whole[cut // 3 : cut]], cut=True)
    before = await stored(api)
    told = await send(api, *whole.splitlines())

    assert (set(statuses(wire.told)), before) == ({201}, len(wire.told))
    assert 0 < before < ROWS_PER_REQUEST
    assert set(statuses(told)) == {201}
    assert await stored(api) == ROWS_PER_REQUEST
    assert [row.get("replayed", False) for row in told] == [True] * before + [False] * (ROWS_PER_REQUEST - before)
    assert [row["submission"] for row in told[:before]] == [row["submission"] for row in wire.told]


@pytest.mark.parametrize("commits", ["grouped", "single"])
async def test_of_two_rows_that_want_the_same_the_second_hears_of_the_first(api: Api, commits: str) -> None:
    pairs = [a_row(at // 2, f"key-{at}") for at in range(40)]
    told = await send(api, *pairs)

    assert statuses(told) == [201, 409] * 20
    for first, second in zip(told[::2], told[1::2], strict=True):
        assert second["problem"]["type"] == "urn:bursar:problem:fee-already-submitted"
        assert second["problem"]["facts"]["submission"] == first["submission"]["id"]


async def test_a_key_that_is_used_twice_is_a_repetition_or_a_mistake(api: Api) -> None:
    told = await send(api, a_row(1, "k"), a_row(1, "k"), a_row(2, "k"), a_row(2))

    assert [(row["status"], row.get("replayed")) for row in told] == [
        (201, None),
        (201, True),
        (422, None),
        (201, None),
    ]
    assert told[1]["submission"] == told[0]["submission"]
    assert told[2]["problem"]["type"] == "urn:bursar:problem:idempotency-key-reused"


async def test_a_key_of_a_single_request_is_another_key_but_the_fee_is_the_same(api: Api) -> None:
    fee = a_row(1)
    key = fee.pop("key")
    made = (await api.submit(fee, key)).json()
    [told] = await send(api, a_row(1))

    assert told["status"] == 409
    assert told["problem"]["facts"] == {"submission": made["id"], "reference": made["reference"]}


@on_memory
async def test_a_bad_row_is_told_what_a_single_request_would_be_and_harms_no_other(api: Api) -> None:
    await api.provision()
    bad = [body for name, (body, *_) in REFUSED.items() if name not in ("an empty body", "two megabytes")]
    alone = [without_trace((await api.submit(body)).json()) for body in bad]  # of a row that of the batch holds
    mixed: list[dict[str, Any] | bytes] = []
    for at, body in enumerate(bad):
        mixed += [a_row(at), body if isinstance(body, bytes) else body | {"key": f"bad-{at}"}]
    told = await send(api, *mixed)

    assert [row["problem"] for row in told[1::2]] == alone
    assert [row["key"] for row in told if row.get("key", "").startswith("bad")] == [
        f"bad-{at}" for at, body in enumerate(bad) if isinstance(body, dict)
    ]
    assert statuses(told[::2]) == [201] * len(bad)
    assert await stored(api) == len(bad)


@on_memory
@pytest.mark.parametrize("key", ["", "two words", "k" * 256, "schlüssel", "a\nb", 7, None])
async def test_a_row_without_a_key_is_not_taken(api: Api, key: Any) -> None:
    row = a_row(1)
    told = await send(api, row | {"key": key}, {name: row[name] for name in ("schedule", "registration")})

    assert [(each["status"], each["problem"]["at"]) for each in told] == [(400, "$.key")] * 2
    assert await stored(api) == 0


@on_memory
async def test_a_row_that_is_nested_too_deeply_affects_no_other_row(api: Api) -> None:
    deep = [b'{"papers":' + b"[" * depth + b"]" * depth + b"}" for depth in (64, 500, 950, 5_000)]
    told = await send(api, *deep, a_row(1))

    assert statuses(told) == [400] * 4 + [201]
    assert {each["problem"]["detail"] for each in told[:4]} == {"the JSON is nested more than 64 levels deep"}


@on_memory
async def test_what_windows_writes_is_taken_or_refused_with_its_cause(api: Api) -> None:
    (taken,) = await send(api, b"\xef\xbb\xbf" + json.dumps(a_row(1)).encode() + b"\r")
    (cr,) = await send(api, json.dumps(a_row(2)).encode() + b"\r" + json.dumps(a_row(3)).encode())
    utf16 = await send(api, json.dumps(a_row(4)).encode("utf-16"))

    assert taken["status"] == 201
    assert cr["problem"]["detail"] == "a line ends with LF or CR LF; this one contains a CR alone"
    assert utf16[0]["problem"]["detail"].startswith("the body is UTF-16")


@on_memory
async def test_two_spellings_of_one_candidate_are_not_in_flight_together(api: Api) -> None:
    first, second = await send(api, a_row(1), a_row(1, "other", registration="t-1"))

    assert (first["status"], second["status"]) == (201, 409)
    assert second["problem"]["facts"]["reference"] == first["submission"]["reference"]


@on_memory
async def test_a_line_without_end_is_refused_and_the_next_one_taken(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"\n\r\n" + file_of(a_row(1))
        for _ in range(20):
            yield b'"' + b"x" * MAX_LINE_BYTES
        yield b"\n" + file_of(a_row(2))[:-1]

    wire = AsgiConnection(api.app)
    tracemalloc.start()
    await wire.run(chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(row["line"], row["status"]) for row in wire.told] == [(3, 201), (4, 413), (5, 201)]
    assert peak < 10 * MAX_LINE_BYTES


@on_memory
@pytest.mark.parametrize("kind", ["", "application/json", "text/csv"])
async def test_a_body_of_another_type_is_a_problem_of_the_whole_request(api: Api, kind: str) -> None:
    answer = await api("POST", PATH, content=file_of(a_row(1)), headers={"Content-Type": kind} if kind else {})

    assert_problem(answer, 415)
    assert await stored(api) == 0


@on_memory
async def test_no_rows_are_told_nothing_of_and_the_other_name_of_the_type_will_do(api: Api) -> None:
    answer = await api("POST", PATH, content=b"\n\n", headers={"Content-Type": "application/jsonl; charset=utf-8"})

    assert (answer.status_code, answer.content) == (200, b"")


@on_memory
async def test_a_row_arrives_when_its_chunk_does(api: Api) -> None:
    await api.provision()
    await enrol(api.application, *(a_student(number, category="general") for number in (901, 902)))
    neet = [a_row(number, schedule="neet-ug-2026") for number in (901, 902)]

    async def chunks() -> AsyncIterator[bytes]:
        api.clock.moment = CLOSED - timedelta(seconds=1)
        yield file_of(neet[0])
        api.clock.moment = CLOSED
        yield file_of(neet[1])

    wire = AsgiConnection(api.app)
    await wire.run(chunks())

    assert statuses(wire.told) == [201, 409]
    assert wire.told[1]["problem"]["type"] == "urn:bursar:problem:schedule-closed"


async def test_a_row_is_answered_before_the_next_one_arrives(api: Api) -> None:
    wire = AsgiConnection(api.app)

    async def one_chunk_at_a_time() -> AsyncIterator[bytes]:
        for number in range(5):
            yield file_of(a_row(number))
            assert len(wire.told) == number + 1

    await wire.run(one_chunk_at_a_time())

    assert (statuses(wire.told), wire.ended) == ([201] * 5, True)


@on_memory
async def test_any_number_of_rows_takes_the_memory_of_a_few(api: Api) -> None:
    wire, sent, told, ahead = AsgiConnection(api.app), 0, 0, 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent, told, ahead
        for at in range(0, 10_000, 500):
            sent += 500
            yield file_of(*(a_row(number, key="no key") for number in range(at, at + 500)))
            told += len(wire.told)
            wire.told.clear()
            ahead = max(ahead, sent - told)

    tracemalloc.start()
    await wire.run(chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert told + len(wire.told) == 10_000
    assert ahead == 0
    assert peak < 1_500_000


@on_memory
async def test_a_client_that_does_not_read_gets_back_pressure(api: Api) -> None:
    reads, wire = asyncio.Event(), AsgiConnection(api.app)
    whole = [file_of(*(a_row(number) for number in range(at, at + 10))) for at in range(0, ROWS_PER_REQUEST, 10)]
    working = asyncio.create_task(wire.run(whole, sent=reads.wait))
    await eventually(lambda: wire.taken)
    for _ in range(100):
        await asyncio.sleep(0)
    taken = wire.taken
    reads.set()
    await working

    assert taken <= 2
    assert statuses(wire.told) == [201] * ROWS_PER_REQUEST


@on_memory
async def test_a_client_that_stops_reading_is_disconnected_after_the_timeout(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "WRITE_TIMEOUT_SECONDS", 0.01)
    wire, never = AsgiConnection(api.app), asyncio.Event()
    parts = 0

    async def reads_the_head_only() -> None:
        nonlocal parts
        parts += 1
        if parts > 1:
            await never.wait()

    async with asyncio.timeout(5):
        await wire.run([file_of(a_row(1))] * 100, reads_the_head_only)

    assert not wire.ended
    assert wire.taken == 1
    assert await stored(api) == 1


class Failing:
    """A use case that raises `Unavailable` for some candidates."""

    def __init__(self, api: Api, failing: set[str]) -> None:
        self._real, self.failing, self.tried = api.application.use_cases().fees.submit_exam_fee, failing, 0

    async def __call__(self, command: ExamFeeSubmission, request: RequestContext) -> object:
        self.tried += 1
        if command.registration in self.failing:
            raise Unavailable("the database is away", retry_after=30)
        return await self._real(command, request)


def app_with(api: Api, submit: Failing, secret: bytes = b"") -> Any:
    use_cases = copy(api.application.use_cases())
    use_cases.fees = dataclasses.replace(use_cases.fees, submit_exam_fee=submit)  # type: ignore[arg-type]
    admission = AdmissionControl(IntentSigner(secret, grace=timedelta(minutes=15)), max_in_flight=320)
    return http_app(api.application, use_cases=use_cases, clock=api.clock, admission=admission)


@on_memory
async def test_a_rejected_row_keeps_its_own_arrival_time_when_retried(api: Api) -> None:
    away, came = Failing(api, {f"T-{number}" for number in range(ROWS_PER_REQUEST)}), api.clock.moment
    app, rows = app_with(api, away, secret=b"s" * 32), [a_row(number) for number in range(ROWS_PER_REQUEST)]
    first, still, second = AsgiConnection(app), AsgiConnection(app), AsgiConnection(app)
    await first.run([file_of(*rows)])
    api.clock.pass_by(timedelta(minutes=5))
    seals = [told["problem"]["facts"]["Submission-Intent"] for told in first.told]
    await still.run([file_of(*(row | {"intent": seal} for row, seal in zip(rows, seals, strict=True)))])
    away.failing.clear()
    api.clock.pass_by(timedelta(minutes=5))
    seals = [told["problem"]["facts"]["Submission-Intent"] for told in still.told]
    seals[-1] = seals[0]
    await second.run([file_of(*(row | {"intent": seal} for row, seal in zip(rows, seals, strict=True)))])

    assert statuses(second.told) == [201] * (ROWS_PER_REQUEST - 1) + [422]
    assert {told["submission"]["received_at"] for told in second.told[:-1]} == {came.isoformat().replace("+00:00", "Z")}


@on_memory
async def test_an_expired_intent_does_not_hide_a_stored_answer(api: Api) -> None:
    away = Failing(api, {"T-1"})
    app = app_with(api, away, secret=b"s" * 32)
    rejected, first, second = AsgiConnection(app), AsgiConnection(app), AsgiConnection(app)
    await rejected.run([file_of(a_row(1))])
    away.failing.clear()
    sealed = a_row(1) | {"intent": rejected.told[0]["problem"]["facts"]["Submission-Intent"]}
    await first.run([file_of(sealed)])
    api.clock.pass_by(timedelta(hours=1))
    await second.run([file_of(sealed)])

    assert [told.get("replayed", False) for told in first.told + second.told] == [False, True]


@on_memory
async def test_in_an_outage_each_row_that_is_not_taken_says_so_and_when_to_come_back(api: Api) -> None:
    away = Failing(api, {f"T-{number}" for number in range(MAX_ROWS_IN_FLIGHT, ROWS_PER_REQUEST)})
    wire = AsgiConnection(app_with(api, away))
    await wire.run(
        [
            file_of(
                *(a_row(number) for number in range(ROWS_PER_REQUEST)),
                b"nonsense",
                *map(a_row, range(ROWS_PER_REQUEST)),
            )
        ]
    )

    assert (
        statuses(wire.told)
        == [201] * MAX_ROWS_IN_FLIGHT
        + [503] * (ROWS_PER_REQUEST - MAX_ROWS_IN_FLIGHT)
        + [400]
        + [503] * ROWS_PER_REQUEST
    )
    assert {row["retry_after"] for row in wire.told if row["status"] == 503} == {30}
    assert [row["line"] for row in wire.told] == list(range(1, 2 * ROWS_PER_REQUEST + 2))
    assert wire.ended
    assert away.tried <= 2 * MAX_ROWS_IN_FLIGHT, "it was tried although it was known to be in vain"
    told = await send(api, *map(a_row, range(ROWS_PER_REQUEST)))
    assert [row.get("replayed", False) for row in told] == [True] * MAX_ROWS_IN_FLIGHT + [False] * (
        ROWS_PER_REQUEST - MAX_ROWS_IN_FLIGHT
    )


@on_memory
async def test_a_row_whose_turn_does_not_come_keeps_no_other_from_being_taken(api: Api) -> None:
    wire = AsgiConnection(app_with(api, Failing(api, {f"T-{MAX_ROWS_IN_FLIGHT - 1}"})))
    await wire.run([file_of(*map(a_row, range(ROWS_PER_REQUEST)))])

    assert statuses(wire.told) == [201] * (MAX_ROWS_IN_FLIGHT - 1) + [503] + [201] * (
        ROWS_PER_REQUEST - MAX_ROWS_IN_FLIGHT
    )


@on_memory
async def test_a_defect_of_ours_is_told_by_its_row(api: Api) -> None:
    failing = Failing(api, set())
    failing.failing = None  # type: ignore[assignment]
    wire = AsgiConnection(app_with(api, failing))
    await wire.run([file_of(a_row(1))])

    assert wire.told == [{"line": 1, "key": "key-1", "status": 500, "problem": wire.told[0]["problem"]}]
    assert "NoneType" not in str(wire.told)


@on_memory
async def test_all_batch_requests_together_have_at_most_one_transaction_of_rows_in_flight(api: Api) -> None:
    real, under_way, most = api.application.use_cases().fees.submit_exam_fee, 0, 0

    class Counted(Failing):
        async def __call__(self, command: ExamFeeSubmission, request: RequestContext) -> object:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await real(command, request)

    app = app_with(api, Counted(api, set()))
    await enrol(api.application, *(a_student(number) for number in range(ROWS_PER_REQUEST, 3 * ROWS_PER_REQUEST)))
    schools = [AsgiConnection(app) for _ in range(3)]
    await asyncio.gather(
        *(
            wire.run([file_of(*map(a_row, range(number * ROWS_PER_REQUEST, (number + 1) * ROWS_PER_REQUEST)))])
            for number, wire in enumerate(schools)
        )
    )

    assert [statuses(wire.told) for wire in schools] == [[201] * ROWS_PER_REQUEST] * 3
    assert MAX_ROWS_IN_FLIGHT < most <= MAX_CONCURRENT_UPLOADS * MAX_ROWS_IN_FLIGHT


@on_both
async def test_a_batch_request_costs_few_statements_and_its_repetition_one_query(api: Api) -> None:
    await send(api, a_row(0))  # reads the schedule
    asked = statements(api.application)
    rows = [a_row(number) for number in range(1, MAX_ROWS_IN_FLIGHT + 1)]
    assert set(statuses(await send(api, *rows))) == {201}
    first = len(asked)
    assert all(row["replayed"] for row in await send(api, *rows))

    assert first <= 7, "more than stored answers, candidates, a transaction, and one statement per table"
    assert len(asked) == first + 1


@on_both
async def test_over_a_real_connection_rows_go_and_come_until_it_is_cut(api: Api) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {ROWS['Content-Type']}\r\nExpect: 100-continue\r\n"
    async with served(api.application, app=api.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        for number in range(3):
            row = file_of(a_row(number))
            writer.write(b"%x\r\n%b\r\n" % (len(row), row))
            if number == 0:
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            part = await reader.readexactly(int(await reader.readline(), 16) + 2)
            assert json.loads(part)["key"] == f"key-{number}"
        writer.transport.abort()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer = await client.post(PATH, content=file_of(*map(a_row, range(ROWS_PER_REQUEST))), headers=ROWS)

    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [row.get("replayed", False) for row in told] == [True] * 3 + [False] * (ROWS_PER_REQUEST - 3)
    assert await stored(api) == ROWS_PER_REQUEST
