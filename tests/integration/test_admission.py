"""Admission control: rejections, other routes meanwhile, and the deadlines of rejected submissions."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.container import Application, running
from config.sections.servers import MySQL, SQLite
from config.settings import Adapters, Settings
from core.fees.deadlines import Deadlines
from core.fees.schedule import FeeSchedule
from core.kernel.idempotency import RequestContext
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.submission_intents import IntentSigner, InvalidIntent
from tests.applications import an_application
from tests.databases import DatabasePool
from tests.examples import NOON, StoppedClock, a_request, a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app

CLOSING = NOON + timedelta(minutes=1)
GRACE = timedelta(minutes=15)
INTENT_SIGNER = IntentSigner(b"one secret of all processes here", GRACE)
MAX_IN_FLIGHT = 4


def fee(number: int = 1) -> dict[str, str]:
    return {"schedule": "sahyadri-test", "registration": f"T-{number}"}


class AdmissionHarness:
    """One application, served through several admission controls."""

    def __init__(self, application: Application, clock: StoppedClock) -> None:
        self.application, self.clock = application, clock

    @asynccontextmanager
    async def admission(
        self, most: int, intent_signer: IntentSigner = INTENT_SIGNER
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Serve the application as another process would."""
        app = http_app(self.application, clock=self.clock, admission=AdmissionControl(intent_signer, most))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://office") as client:
            yield client


async def submit(client: httpx.AsyncClient, body: Any = None, key: str = "k", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/exam-fees", json=body or fee(), headers={"Idempotency-Key": key} | sent)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[AdmissionHarness]:
    application, clock = an_application(settings), StoppedClock(NOON)
    application.process.clock.override(clock)
    async with running(application):
        yield AdmissionHarness(application, clock)


@pytest.fixture(params=["memory", "sqlite"])
async def harness(
    request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool
) -> AsyncIterator[AdmissionHarness]:
    chosen = Settings(adapters=Adapters(persistence=request.param), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    async with prepared.acquire(chosen) as settings, opened(settings) as harness:
        await publish(harness.application, closing_at(CLOSING))
        await enrol(harness.application, *(a_student(number) for number in range(1, 10)))
        yield harness


def closing_at(moment: datetime) -> FeeSchedule:
    local = moment.astimezone(ZoneInfo("Asia/Kolkata")).replace(tzinfo=None)
    return replace(a_schedule(), closes=Deadlines(submission=local))


@contextmanager
def hanging(path: str) -> Iterator[Callable[[], None]]:
    """Lock a database file until the yielded function is called."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other.rollback


@pytest.mark.parametrize("harness", ["sqlite"], indirect=True)
async def test_when_the_database_hangs_submissions_are_rejected_at_once_and_other_routes_work(
    harness: AdmissionHarness,
) -> None:
    path = harness.application.settings().sqlite.path
    async with harness.admission(MAX_IN_FLIGHT) as client:
        first = await submit(client, fee(9), "first")
        with hanging(path) as let_go:
            inside = [
                asyncio.create_task(submit(client, fee(number), f"k{number}")) for number in range(1, MAX_IN_FLIGHT + 1)
            ]
            await asyncio.sleep(0)
            refused = await submit(client, fee(8), "one-too-many")
            others = [
                await client.get("/health/live"),
                await client.get(f"/v1/exam-fees/{first.json()['id']}"),
                await client.post("/v1/quotes", json=fee(8)),
            ]
            waited = [task.done() for task in inside]
            let_go()
            stored = [(await task).status_code for task in inside]
        again = await submit(client, fee(8), "one-too-many")

    assert (refused.status_code, refused.json()["type"]) == (503, "urn:bursar:problem:unavailable")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 4
    assert refused.headers["X-Request-ID"]
    assert refused.headers["Submission-Intent"] == refused.json()["facts"]["Submission-Intent"]
    assert [answer.status_code for answer in others] == [200, 200, 200]
    assert waited == [False] * MAX_IN_FLIGHT
    assert (stored, again.status_code) == ([201] * MAX_IN_FLIGHT, 201)


async def test_a_submission_rejected_before_the_deadline_is_on_time_when_retried(harness: AdmissionHarness) -> None:
    harness.clock.moment = CLOSING - timedelta(microseconds=1)
    async with harness.admission(0) as full, harness.admission(1) as free:
        refused = await submit(full)
        harness.clock.pass_by(timedelta(minutes=7))
        still = await submit(full, Submission_Intent=refused.headers["Submission-Intent"])
        harness.clock.pass_by(timedelta(minutes=7))
        late = await submit(free)
        token = still.headers["Submission-Intent"]
        stored, replayed = [await submit(free, Submission_Intent=token) for _ in range(2)]

    assert (late.status_code, late.json()["type"]) == (409, "urn:bursar:problem:schedule-closed")
    assert stored.status_code == 201
    assert datetime.fromisoformat(stored.json()["received_at"]) == CLOSING - timedelta(microseconds=1)
    assert (replayed.content, replayed.headers["Idempotency-Replayed"]) == (stored.content, "true")


async def test_an_intent_belongs_to_the_first_of_several_keys_as_the_submission_does(harness: AdmissionHarness) -> None:
    headers = [("Idempotency-Key", "first"), ("Idempotency-Key", "second")]
    async with harness.admission(0) as full, harness.admission(1) as free:
        refused = await full.post("/v1/exam-fees", json=fee(), headers=headers)
        token = ("Submission-Intent", refused.headers["Submission-Intent"])
        stored = await free.post("/v1/exam-fees", json=fee(), headers=[*headers, token])
        repeated = await submit(free, key="first")

    assert stored.status_code == 201
    assert repeated.headers["Idempotency-Replayed"] == "true"


async def test_a_submission_made_during_a_database_outage_is_on_time_when_retried(harness: AdmissionHarness) -> None:
    away = Settings(adapters=Adapters(persistence="mysql"), mysql=MySQL(host="127.0.0.1", port=1))
    async with opened(away) as without, without.admission(1) as dark, harness.admission(1) as free:
        own, foreign = [f"Bearer {await an_api_key(harness.application)}" for _ in range(2)]
        refused = await submit(dark, Authorization=own)
        harness.clock.moment = NOON + timedelta(minutes=10)
        sent = {"Submission_Intent": refused.headers["Submission-Intent"]}
        others = await submit(free, Authorization=foreign, **sent)
        stored = await submit(free, Authorization=own, **sent)

    assert (refused.status_code, others.status_code) == (503, 422)
    assert refused.headers["Submission-Intent"] == refused.json()["facts"]["Submission-Intent"]
    assert (stored.status_code, datetime.fromisoformat(stored.json()["received_at"])) == (201, NOON)


@pytest.mark.parametrize("most", [0, 1])
@pytest.mark.parametrize(
    ("changed", "passed", "says"),
    [
        ({"key": "another"}, 0, "this key and body"),
        ({"body": fee(2)}, 0, "this key and body"),
        ({"Submission_Intent": "1.1795177400000000." + "A" * 43}, 0, "this key and body"),
        ({"Submission_Intent": ""}, 0, "this key and body"),
        ({"Submission_Intent": "höflich".encode("latin-1")}, 0, "this key and body"),
        ({}, GRACE.total_seconds() + 0.001, "900 s"),
    ],
    ids=["another key", "another body", "forged", "empty", "no ASCII", "too late"],
)
async def test_an_invalid_token_is_refused_with_instructions(
    harness: AdmissionHarness, most: int, changed: dict[str, Any], passed: float, says: str
) -> None:
    async with harness.admission(0) as full, harness.admission(most) as admission:
        refused = await submit(full)
        harness.clock.pass_by(timedelta(seconds=passed))
        answer = await submit(admission, **{"Submission_Intent": refused.headers["Submission-Intent"]} | changed)
        listed = await admission.get("/v1/students/T-1/exam-fees")

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:bursar:problem:invalid-intent")
    assert says in answer.json()["detail"]
    assert "send it without" in answer.json()["detail"]
    assert listed.json()["items"] == []


async def test_a_token_of_a_process_with_another_secret_is_refused(harness: AdmissionHarness) -> None:
    async with harness.admission(0, IntentSigner(b"another", GRACE)) as full, harness.admission(1) as free:
        refused = await submit(full)
        answer = await submit(free, Submission_Intent=refused.headers["Submission-Intent"])

    assert answer.status_code == 422


async def test_without_a_secret_no_intent_token_is_issued(harness: AdmissionHarness) -> None:
    nothing = IntentSigner(b"", GRACE)
    async with harness.admission(0, nothing) as full, harness.admission(1, nothing) as free:
        refused = await submit(full)
        answer = await submit(free, Submission_Intent="1.1795177400000000." + "A" * 43)

    assert (refused.status_code, "Submission-Intent" in refused.headers, "facts" in refused.json()) == (
        503,
        False,
        False,
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (json.dumps(fee()).encode(), {}, 400),
        (b'{"schedule": "' + b"x" * 1_500_000, {"Idempotency-Key": "k"}, 413),
    ],
    ids=["without a key", "too large"],
)
async def test_an_invalid_submission_gets_no_retry_after(
    harness: AdmissionHarness, content: bytes, headers: dict[str, str], status: int
) -> None:
    async with harness.admission(0) as full:
        answer = await full.post(
            "/v1/exam-fees", content=content, headers=headers | {"Content-Type": "application/json"}
        )

    assert answer.status_code == status


async def test_an_incomplete_body_occupies_no_admission_slot(harness: AdmissionHarness) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        whole = json.dumps(fee(2)).encode()
        yield whole[:5]
        begun.set()
        await go_on.wait()
        yield whole[5:]

    async with harness.admission(1) as client:
        headers = {"Idempotency-Key": "slow", "Content-Type": "application/json"}
        slow = asyncio.create_task(client.post("/v1/exam-fees", content=slowly(), headers=headers))
        await begun.wait()
        quick = await submit(client)
        go_on.set()

        assert (quick.status_code, (await slow).status_code) == (201, 201)


async def test_an_admission_slot_is_released_however_the_submission_ended(harness: AdmissionHarness) -> None:
    async with harness.admission(1) as client:
        ended = [(await submit(client, body)).status_code for body in (fee(99), {"schedule": 1}, fee())]

    assert ended == [404, 400, 201]


async def test_rejected_requests_are_counted_under_their_route(harness: AdmissionHarness) -> None:
    async with harness.admission(0) as full:
        await submit(full)
        metrics = (await full.get("/metrics")).text

    assert 'bursar_http_seconds_count{method="POST",route="/v1/exam-fees",status="503"}' in metrics


@given(place=st.integers(0, 60), letter=st.characters(codec="latin-1"))
def test_changing_any_character_of_a_token_invalidates_it(place: int, letter: str) -> None:
    context = a_request()
    [token] = INTENT_SIGNER.sign(context).values()
    altered = token[: place % len(token)] + letter + token[place % len(token) + 1 :]

    if altered != token:
        with pytest.raises(InvalidIntent):
            INTENT_SIGNER.verify(altered, context)
    assert INTENT_SIGNER.verify(token, context) == context


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), scope=st.text(), body=st.binary())
def test_an_intent_token_is_bound_to_one_request(key: str, scope: str, body: bytes) -> None:
    context, other = a_request(), RequestContext(arrived=NOON, scope=scope, key=key, fingerprint=body)
    [token] = INTENT_SIGNER.sign(context).values()

    if (key, scope, body) != (context.key, context.scope, context.fingerprint):
        with pytest.raises(InvalidIntent):
            INTENT_SIGNER.verify(token, other)


@pytest.mark.parametrize("path", ["/v1/exam-fees", "/v1/exam-fees/", "/v1//exam-fees", "/v1/exam-fees//"])
async def test_no_alternative_spelling_of_the_path_bypasses_admission_control(
    harness: AdmissionHarness, path: str
) -> None:
    async with harness.admission(0) as full:
        answer = await full.post(path, json=fee(1), headers={"Idempotency-Key": "k"})

    assert answer.status_code == 503


async def test_an_expired_token_does_not_hide_a_stored_answer(harness: AdmissionHarness) -> None:
    async with harness.admission(0) as full, harness.admission(1) as free:
        refused = await submit(full)
        stored = await submit(free, Submission_Intent=refused.headers["Submission-Intent"])
        harness.clock.pass_by(GRACE + timedelta(minutes=1))
        again = await submit(free, Submission_Intent=refused.headers["Submission-Intent"])

    assert (stored.status_code, again.content) == (201, stored.content)
