"""The JSON API over each kind of storage without a server."""

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

import config
from config.container import Application, running
from config.sections.http import GraphQL
from config.sections.servers import SQLite
from config.settings import Adapters, Settings
from core.fees import errors as fees
from core.kernel import idempotency as requests
from core.kernel.errors import (
    Conflict,
    CoreError,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
    Unprocessable,
    problem_type,
)
from core.kernel.health import Probe
from core.kernel.vendor_errors import ForgedReport
from core.messaging import dead_letters
from core.notifications.errors import DeliverySettled, UnknownDelivery
from core.students import errors as students
from core.students.roster import read_rows
from entrypoints.http.idempotency import MissingIdempotencyKey
from tests.applications import an_application
from tests.conformance import assert_documented
from tests.databases import DatabasePool
from tests.examples import StoppedClock, unpublished
from tests.integration.admission import http_app
from tests.integration.http_server import served
from tests.unit.fees.schedules import local

SHIPPED = Path(config.__file__).parent / "data"
OPEN, CLOSED = local("2026-02-20T10:00"), local("2026-03-08T21:00")
"""The registration of a candidate of NEET."""
STUDENTS = ("SU-2026-0001", "CB-2020-1001", "NE-2026-2001")
SUBMISSION = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}
CBSE = {"schedule": "cbse-2020-xii", "registration": "CB-2020-1001", "papers": ["041", "042"]}
NEET = {"schedule": "neet-ug-2026", "registration": "NE-2026-2001"}
JSON = {"Content-Type": "application/json"}
REFERENCE = re.compile(r"BF(-[0-9A-Z]{4}){3}-[0-9A-Z]")
OPERATIONS = {
    "get /v1/receipts",
    "get /v1/receipts/{number}",
    "post /v1/receipts/{number}/void",
    "get /v1/receipts/{number}/pdf",
    "delete /v1/sessions",
    "delete /v1/sessions/{session}",
    "get /v1/principal",
    "get /v1/sessions",
    "get /.well-known/jwks.json",
    "post /v1/sessions",
    "post /v1/sessions/refresh",
    "post /v1/sessions/step-up",
    "post /v1/second-factor",
    "post /v1/second-factor/confirm",
    "delete /v1/second-factor",
    "post /v1/accounts",
    "post /v1/accounts/{account}/invitation",
    "post /v1/codes",
    "post /v1/sessions/code",
    "get /v1/accounts",
    "post /v1/accounts/{account}/disable",
    "post /v1/accounts/{account}/enable",
    "put /v1/accounts/{account}/roles",
    "post /v1/accounts/{account}/password-link",
    "post /v1/api-keys",
    "get /v1/api-keys",
    "post /v1/api-keys/{key}/revoke",
    "post /v1/passwords",
    "put /v1/password",
    "delete /v1/allocations/{order}",
    "delete /v1/allocations/{order}/{sku}",
    "patch /v1/batches/{reference}",
    "post /v1/allocations",
    "post /v1/shipments",
    "post /v1/exam-fees/{name}/payments",
    "get /v1/exam-fees/{name}/payments",
    "post /v1/payments/webhooks/{gateway}",
    "post /v1/batches",
    "get /v1/allocations/{order}",
    "get /v1/availability/{sku}",
    "get /v1/batches/{reference}",
    "post /v1/quotes",
    "post /v1/exam-fees",
    "post /v1/exam-fees:batch",
    "get /v1/exam-fees/{name}",
    "get /v1/exam-fees/{name}/timeline",
    "get /v1/students/{registration}/exam-fees",
    "get /v1/students/{registration}",
    "post /v1/students:import",
    "get /v1/fee-schedules",
    "put /v1/fee-schedules/{code}",
    "get /v1/dead-letters",
    "get /v1/dead-letters/{letter}",
    "post /v1/dead-letters/{letter}/replay",
    "post /v1/dead-letters/{letter}/drop",
    "post /v1/dead-letters:replay",
    "post /v1/dead-letters:drop",
    "post /v1/exam-fees/{name}/counter-payments",
    "get /v1/counter-payments",
    "post /v1/counter-payments/{counter_payment}/decision",
    "post /v1/payments/{payment}/bounce",
    "post /v1/payments/{payment}/refunds",
    "get /v1/refunds",
    "post /v1/refunds/{refund}/settlement",
    "post /v1/refunds/{refund}/payout",
    "get /v1/settlement-exceptions",
    "post /v1/settlement-exceptions/{exception}/settlement",
    "get /v1/ledger/balances/{account}",
    "get /v1/ledger/statements/{submission}",
    "get /v1/clearance/{schedule}",
    "get /v1/clearance/{schedule}/hall-list",
    "get /v1/dues/{schedule}",
    "get /v1/dues/{schedule}/centres",
    "get /v1/ledger/day-book",
    "get /v1/ledger/collection",
    "post /v1/settlements:import",
    "post /v1/fee-schedules/{code}/repricings",
    "get /v1/repricings/{repricing}",
    "post /v1/repricings/{repricing}/start",
    "get /v1/adjustments",
    "post /v1/adjustments/{adjustment}/decision",
    "post /v1/adjustments/decisions",
    "post /v1/exam-fees/{name}/waivers",
    "get /v1/waivers",
    "post /v1/waivers/{waiver}/decision",
    "post /v1/waivers/{waiver}/retraction",
    "get /v1/audit-records",
    "get /v1/deliveries",
    "post /v1/deliveries/{delivery}/settlement",
    "post /v1/deliveries/{delivery}/reports/twilio",
    "get /v1/vendors",
    "post /v1/graphql",
    "get /health/live",
    "get /health/ready",
    "get /health/started",
    "get /metrics",
}
READINESS = {("get /health/ready", 503), ("get /health/started", 503)}
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


class Api:
    """The API, its clock, and the published events."""

    def __init__(self, application: Application, clock: StoppedClock) -> None:
        self.application, self.clock = application, clock
        self.app = http_app(application, clock=clock, graphql=GraphQL(enabled=True))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://bursar",
            event_hooks={"response": [assert_documented]},
        )

    async def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.client.request(method, path, **more)

    async def submit(self, body: Any = SUBMISSION, key: str | None = "key-1", **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Idempotency-Key"] = key
        if isinstance(body, bytes):
            return await self("POST", "/v1/exam-fees", content=body, headers=JSON | sent)
        return await self("POST", "/v1/exam-fees", json=body, headers=sent)

    async def world(self) -> list[Any]:
        """Return the state that clients can observe."""
        pages = [f"/v1/students/{student}/exam-fees" for student in STUDENTS]
        seen: list[Any] = [(await self("GET", page)).content for page in ["/v1/fee-schedules", *pages]]
        return [*seen, [event.message.id for event in await unpublished(self.application, 10_000)]]

    async def provision(self) -> None:
        """Load the bundled schedules and roster."""

        async def roster() -> AsyncIterator[bytes]:
            yield (SHIPPED / "roster.csv").read_bytes()

        for path in sorted((SHIPPED / "schedules").glob("*.toml")):
            await self.application.use_cases().fees.publish_fee_schedule(tomllib.loads(path.read_text()))
        await self.application.use_cases().students.import_students(read_rows(roster()))


@asynccontextmanager
async def opened(wanted: Settings) -> AsyncIterator[Api]:
    application, clock = an_application(wanted), StoppedClock(OPEN)
    application.process.clock.override(clock)
    async with running(application):
        api = Api(application, clock)
        async with api.client:
            yield api


@pytest.fixture(params=["memory", "sqlite"])
async def api(request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool) -> AsyncIterator[Api]:
    chosen = Settings(adapters=Adapters(persistence=request.param), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    async with prepared.acquire(chosen) as settings, opened(settings) as api:
        await api.provision()
        yield api


def assert_problem(
    response: httpx.Response, status: int, kind: str = "about:blank", at: str | None = None
) -> dict[str, Any]:
    """Check that a response is a problem document of RFC 9457, and return it."""
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["status"]) == (status, status), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == (kind if kind == "about:blank" else f"urn:bursar:problem:{kind}")
    assert problem.get("at") == at
    assert problem["title"]
    return problem


def large(schedule: dict[str, Any]) -> bytes:
    return json.dumps(schedule | {"papers": ["x" * 2_000_000]}).encode()


REFUSED: dict[str, tuple[Any, int, str, str | None]] = {
    "unknown schedule": (SUBMISSION | {"schedule": "nope"}, 404, "unknown-schedule", "$.schedule"),
    "unknown candidate": (SUBMISSION | {"registration": "UNKNOWN-1"}, 404, "unknown-candidate", "$.registration"),
    "category without a price": (CBSE | {"registration": "NE-2026-2001"}, 422, "not-priced", None),
    "no papers": (CBSE | {"papers": []}, 422, "no-papers", "$.papers"),
    "a seventh paper": (
        CBSE | {"papers": ["301", "302", "041", "042", "043", "044", "083"]},
        422,
        "too-many-papers",
        "$.papers[6]",
    ),
    "a paper twice": (CBSE | {"papers": ["041", "042", "041"]}, 400, "invalid", "$.papers[2]"),
    "a practical of no paper": (CBSE | {"practicals": ["083"]}, 422, "unknown-practical", "$.practicals[0]"),
    "a code of another form": (CBSE | {"papers": ["041", "'; --"]}, 400, "invalid", "$.papers[1]"),
    "a wrong type": (CBSE | {"papers": ["041", 42]}, 400, "invalid", "$.papers[1]"),
    "no list": (CBSE | {"papers": "041"}, 400, "invalid", "$.papers"),
    "an unknown field": (CBSE | {"paper": ["041"]}, 400, "invalid", "$.paper"),
    "a missing field": ({"schedule": "neet-ug-2026"}, 400, "invalid", "$.registration"),
    "null": (b"null", 400, "invalid", "$"),
    "an array": (b"[]", 400, "invalid", "$"),
    "an empty body": (b"", 400, "invalid", "$"),
    "not JSON": (b"schedule=neet", 400, "about:blank", None),
    "half of JSON": (b'{"schedule": "ne', 400, "about:blank", None),
    "not UTF-8": (b'{"schedule": "\xff\xfe"}', 400, "about:blank", None),
    "a lone surrogate": (b'{"schedule": "\\ud800", "registration": "x"}', 400, "about:blank", None),
    "a number of thousands of digits": (b'{"schedule": ' + b"9" * 5_000 + b"}", 400, "about:blank", None),
    "two megabytes": (large(CBSE), 413, "about:blank", None),
}


@pytest.mark.parametrize(("body", "status", "kind", "at"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_submission_says_why_and_where_and_changes_nothing(
    api: Api, body: Any, status: int, kind: str, at: str | None
) -> None:
    before = await api.world()

    assert_problem(await api.submit(body), status, kind, at)
    assert await api.world() == before


@pytest.mark.parametrize(("body", "status", "kind", "at"), REFUSED.values(), ids=REFUSED)
async def test_a_quote_is_refused_like_the_submission(
    api: Api, body: Any, status: int, kind: str, at: str | None
) -> None:
    sent: dict[str, Any] = {"content": body, "headers": JSON} if isinstance(body, bytes) else {"json": body}

    assert_problem(await api("POST", "/v1/quotes", **sent), status, kind, at)


async def test_a_body_without_end_is_refused_without_a_length(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"[" * 50_000

    response = await api("POST", "/v1/quotes", content=endless(), headers=JSON)
    assert_problem(response, 413)
    assert response.json()["detail"] == "a body has at most 65,536 bytes here"


async def test_a_number_out_of_range_is_told_without_the_words_of_the_decoder(api: Api) -> None:
    response = await api("POST", "/v1/quotes", content=b'{"schedule": ' + b"9" * 5_000 + b"}", headers=JSON)

    assert (response.status_code, "$[" in response.json()["detail"]) == (400, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/quotes"),
        ("POST", "/v1/exam-fees"),
        ("PUT", "/v1/fee-schedules/x"),
        ("PATCH", "/v1/batches/B-1"),
        ("POST", "/v1/dead-letters:drop"),
    ],
)
async def test_a_body_that_is_nested_too_deeply_is_refused(api: Api, method: str, path: str) -> None:
    headers = JSON | {"Idempotency-Key": "k"}

    for depth in (64, 300, 500, 700, 950, 990, 1_100, 5_000):
        for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
            for field in (b"schedule", b"papers", b"a"):
                body = b'{"%b":%b1%b}' % (field, begin * depth, end * depth)
                problem = assert_problem(await api(method, path, content=body, headers=headers), 400)
                assert problem["detail"] == "the JSON is nested more than 64 levels deep", depth


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "text/csv", "application/x-www-form-urlencoded", "application/json+x"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/quotes"), ("POST", "/v1/exam-fees"), ("PUT", "/v1/fee-schedules/x")]
)
async def test_a_body_of_another_type_is_refused(api: Api, method: str, path: str, kind: str) -> None:
    headers = {"Idempotency-Key": "k"} | ({"Content-Type": kind} if kind else {})

    assert_problem(await api(method, path, content=json.dumps(SUBMISSION).encode(), headers=headers), 415)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
async def test_json_in_an_encoding_of_windows_is_refused_with_the_cause(api: Api, encoding: str) -> None:
    response = await api.submit(json.dumps(SUBMISSION).encode(encoding))

    assert "begins with a byte order mark or is UTF-16; send UTF-8" in assert_problem(response, 400)["detail"]


async def test_json_may_name_its_character_set(api: Api) -> None:
    response = await api.submit(json.dumps(SUBMISSION).encode(), Content_Type="Application/JSON; charset=utf-8")

    assert response.status_code == 201


async def test_a_submission_is_created_and_announced(api: Api) -> None:
    response = await api.submit(CBSE | {"practicals": ["042"]})

    made = response.json()
    assert response.status_code == 201
    assert "Idempotency-Replayed" not in response.headers
    assert REFERENCE.fullmatch(made["reference"])
    assert (made["state"], made["schedule_version"]) == ("submitted", 1)
    assert made["total"] == {"minor": 150_000 + 15_000 + 200_000, "currency": "INR"}
    assert made["received_at"] == "2026-02-20T04:30:00Z"
    [event] = await unpublished(api.application, 10)
    assert (event.message.type, str(event.message.subject)) == ("FeeSubmitted", made["id"])


async def test_a_quote_is_what_the_submission_costs_and_stores_nothing(api: Api) -> None:
    before = await api.world()
    quote = await api("POST", "/v1/quotes", json=CBSE)

    assert quote.status_code == 200
    assert await api.world() == before
    made = (await api.submit(CBSE)).json()
    assert {name: quote.json()[name] for name in ("lines", "total", "instalments")} == {
        name: made[name] for name in ("lines", "total", "instalments")
    }


@pytest.mark.parametrize("path", ["/v1/exam-fees", "/v1/quotes"])
async def test_a_schedule_is_open_until_its_closing_moment(api: Api, path: str) -> None:
    api.clock.moment = CLOSED
    before = await api.world()
    assert_problem(await api("POST", path, json=NEET, headers={"Idempotency-Key": "k"}), 409, "schedule-closed")
    api.clock.moment = local("2026-02-07T23:59:59.999999")
    assert_problem(await api("POST", path, json=NEET, headers={"Idempotency-Key": "k"}), 409, "schedule-not-open")
    assert await api.world() == before

    api.clock.moment = CLOSED - timedelta(microseconds=1)
    response = await api("POST", path, json=NEET, headers={"Idempotency-Key": "k"})
    assert response.status_code in (200, 201)


@pytest.mark.parametrize("key", [None, "", " ", "two words", "k" * 256, "schlüssel", "a\nb"])
async def test_without_a_key_nothing_is_submitted(api: Api, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key.encode()}
    before = await api.world()
    response = await api("POST", "/v1/exam-fees", json=SUBMISSION, headers=headers)

    assert_problem(response, 400, "missing-idempotency-key")
    assert await api.world() == before


async def test_the_longest_key_is_taken(api: Api) -> None:
    assert (await api.submit(key="~" * 255)).status_code == 201


async def test_the_same_request_again_gets_the_same_answer_byte_for_byte(api: Api) -> None:
    first = await api.submit()
    before = await api.world()
    again = await api.submit()

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert await api.world() == before


async def test_a_refused_request_may_be_mended_under_its_key(api: Api) -> None:
    await api.submit(SUBMISSION | {"registration": "UNKNOWN-1"})

    assert (await api.submit(SUBMISSION)).status_code == 201


async def test_a_key_cannot_be_used_for_another_body(api: Api) -> None:
    await api.submit(SUBMISSION)
    before = await api.world()

    assert_problem(await api.submit(CBSE), 422, "idempotency-key-reused")
    assert_problem(await api.submit(SUBMISSION | {"papers": ["1"]}), 422, "idempotency-key-reused")
    assert await api.world() == before


async def test_a_second_key_for_the_same_fee_names_the_first_submission(api: Api) -> None:
    first = (await api.submit(key="one")).json()
    before = await api.world()
    problem = assert_problem(await api.submit(key="two"), 409, "fee-already-submitted")

    assert problem["facts"] == {"submission": first["id"], "reference": first["reference"]}
    assert first["reference"] in problem["detail"]
    assert await api.world() == before


async def test_the_first_answer_is_given_even_after_the_schedule_has_closed(api: Api) -> None:
    first = await api.submit(NEET)
    api.clock.moment = CLOSED + timedelta(hours=1)
    again = await api.submit(NEET)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_of_fifty_at_once_with_one_key_one_takes_effect(api: Api) -> None:
    responses = await asyncio.gather(*(api.submit() for _ in range(50)))

    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum("Idempotency-Replayed" not in response.headers for response in responses) == 1
    assert len((await api("GET", "/v1/students/SU-2026-0001/exam-fees")).json()["items"]) == 1
    assert len(await unpublished(api.application, 100)) == 1


async def test_of_twenty_at_once_with_their_own_keys_one_takes_effect(api: Api) -> None:
    responses = await asyncio.gather(*(api.submit(key=f"key-{number}") for number in range(20)))

    assert sorted(response.status_code for response in responses) == [201] + [409] * 19
    assert len(await unpublished(api.application, 100)) == 1


async def test_a_fee_is_found_by_id_and_by_reference_in_any_case(api: Api) -> None:
    made = (await api.submit()).json()
    names = [made["id"], made["reference"], made["reference"].lower(), made["id"].upper()]
    shown = [(await api("GET", f"/v1/exam-fees/{name}")).json() for name in names]

    assert {name: shown[0][name] for name in made} == made
    assert all(each == shown[0] for each in shown)
    assert [entry["what"] for entry in shown[0]["timeline"]] == ["received", "stored"]


@pytest.mark.parametrize("name", ["BF-0000-0000-0000-0", str(UUID(int=7)), "%00", "%F0%9F", "x" * 5_000, "{id}"])
async def test_an_unknown_fee_is_not_found(api: Api, name: str) -> None:
    assert_problem(await api("GET", f"/v1/exam-fees/{name}"), 404, "unknown-exam-fee")


async def test_pages_follow_each_other_to_the_end(api: Api) -> None:
    made = []
    for number in range(5):
        document = tomllib.loads((SHIPPED / "schedules/sahyadri-semester.toml").read_text())
        response = await api(
            "PUT", f"/v1/fee-schedules/sahyadri-{number}", content=as_json(document, number), headers=JSON
        )
        assert response.status_code == 200, response.text
        made.append((await api.submit(SUBMISSION | {"schedule": f"sahyadri-{number}"}, f"key-{number}")).json())
    seen, sizes, after = [], [], ""
    while after is not None:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = (await api("GET", "/v1/students/SU-2026-0001/exam-fees", params=query)).json()
        sizes.append(len(page["items"]))
        seen += page["items"]
        after = page["next"]

    assert sizes == [2, 2, 1]
    assert seen == made[::-1]


def as_json(document: dict[str, Any], number: int) -> bytes:
    return json.dumps(document | {"code": f"sahyadri-{number}"}, default=str).encode()


@pytest.mark.parametrize(
    ("query", "at"),
    [("limit=0", "$.limit"), ("limit=101", "$.limit"), ("limit=many", "$.limit"), ("after=yesterday", "$.after")],
)
async def test_a_page_that_cannot_be_is_refused(api: Api, query: str, at: str) -> None:
    assert_problem(await api("GET", f"/v1/students/SU-2026-0001/exam-fees?{query}"), 400, "invalid", at)


async def test_the_fees_of_an_unknown_student_are_not_found(api: Api) -> None:
    assert_problem(await api("GET", "/v1/students/UNKNOWN-1/exam-fees"), 404, "unknown-candidate", "$.registration")


async def test_a_roster_is_taken_over_row_by_row(api: Api) -> None:
    roster = "registration,name,category,email\nT-1,Asha,general,\nT-2,,sc,\nT-3,Ravi,SC!,\nT-1,Again,sc,\n"
    report = await send_roster(api, roster)

    assert (report["read"], report["added"], report["rejected"]) == (4, 1, 3)
    assert [bad["line"] for bad in report["bad_rows"]] == [3, 4, 5]
    assert report["bad_rows"][0]["reason"] == "name is empty"
    assert report["bad_rows"][2]["reason"] == "registration T-1 is already in line 2"
    found = (await api("GET", "/v1/students/T-1")).json()
    assert (found["enrolment"]["name"], found["enrolment"]["country"]) == ("Asha", "IN")
    assert_problem(await api("GET", "/v1/students/T-2"), 404, "unknown-student")


async def test_the_same_roster_again_changes_nothing_and_a_new_one_what_is_new(api: Api) -> None:
    roster = "registration,name,category\nT-1,Asha,general\nT-2,Ravi,sc\n"
    await send_roster(api, roster)
    before = (await api("GET", "/v1/students/T-1")).content
    report = await send_roster(api, roster)

    assert (report["added"], report["changed"], report["unchanged"]) == (0, 0, 2)
    assert (await api("GET", "/v1/students/T-1")).content == before
    report = await send_roster(api, roster.replace("Ravi", "Ravi Deshpande"))
    assert (report["added"], report["changed"], report["unchanged"]) == (0, 1, 1)


@pytest.mark.parametrize("registration", ["2023/BCOM/0017", "B.A. (Hons) & 17", "2023//17/", "a/../b"])
async def test_a_registration_with_any_allowed_character_has_an_address(api: Api, registration: str) -> None:
    await send_roster(api, f"registration,name,category\n{registration},Asha,student\n")
    student = f"/v1/students/{quote(registration, safe='')}"
    await api.submit(SUBMISSION | {"registration": registration.lower()})

    async with (
        served(api.application, app=api.app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        found = await client.get(student.replace("%2F", "%2f"))
        fees = await client.get(f"{student}/exam-fees?limit=5")
    assert found.json()["enrolment"]["registration"] == registration
    assert [fee["registration"] for fee in fees.json()["items"]] == [registration]
    assert_problem(await api("GET", "/v1/students/2023/BCOM/0017"), 404)


async def test_a_column_without_any_value_clears_on_request_only(api: Api) -> None:
    await send_roster(api, "registration,name,category,centre\nT-1,Asha,general,DEL-1\n")
    empty = "registration,name,category,centre\nT-1,Asha,general,\n"
    kept = await send_roster(api, empty)
    cleared = await send_roster(api, empty, "?clear=true")

    assert (kept["unchanged"], kept["cleared"], kept["withheld"]) == (1, 0, {"centre": 1})
    assert (cleared["changed"], cleared["cleared"], cleared["withheld"]) == (1, 1, {})


async def test_a_roster_of_any_size_is_read_as_a_stream(api: Api) -> None:
    async def many() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbfregistration,name,category\r\n"
        for number in range(2_000):
            yield f"T-{number},{'आ' * 100},general\r\n".encode()

    response = await api("POST", "/v1/students:import", content=many(), headers={"Content-Type": "text/csv"})

    assert response.json()["added"] == 2_000


@pytest.mark.parametrize(
    "content",
    [b"", b"name,category\n", b"registration,name,category,shoe\n", b"registration,name,category\nT-1,\xff,sc\n"],
)
async def test_a_file_that_is_no_roster_is_refused(api: Api, content: bytes) -> None:
    response = await api("POST", "/v1/students:import", content=content, headers={"Content-Type": "text/csv"})

    assert_problem(response, 422, "unreadable-roster")


async def test_a_roster_must_say_that_it_is_csv(api: Api) -> None:
    assert_problem(await api("POST", "/v1/students:import", content=b"registration,name,category\n"), 415)


async def send_roster(api: Api, text: str, query: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "text/csv"}
    response = await api("POST", f"/v1/students:import{query}", content=text.encode(), headers=headers)
    assert response.status_code == 200
    report: dict[str, Any] = response.json()
    return report


async def test_an_import_reports_contacts_that_were_not_taken(api: Api) -> None:
    report = await send_roster(api, "registration,name,category,phone\nT-77,Asha,general,12345\n")

    assert (report["added"], report["rejected"], report["warned"]) == (1, 0, 1)
    assert report["warnings"] == [
        {
            "line": 2,
            "column": "phone",
            "value": "12345",
            "reason": "is no telephone number of IN; a number of another country begins with + and its code",
        }
    ]
    assert (await api("GET", "/v1/students/T-77")).json()["enrolment"]["phone"] == ""


async def test_a_published_schedule_is_in_force_at_once_and_again_the_same(api: Api) -> None:
    document = await cbse()
    document["rules"][0]["base"]["general"] = 170_000
    first = await api("PUT", "/v1/fee-schedules/cbse-2020-xii", json=document)
    again = await api("PUT", "/v1/fee-schedules/cbse-2020-xii", json=document)

    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert again.content == first.content
    assert (await api("POST", "/v1/quotes", json=CBSE)).json()["total"]["minor"] == 170_000 + 200_000
    listed = {each["code"]: each["version"] for each in (await api("GET", "/v1/fee-schedules")).json()}
    assert listed == {
        "cbse-2020-x": 1,
        "cbse-2020-xii": 2,
        "neet-ug-2026": 1,
        "sahyadri-annual": 1,
        "sahyadri-semester": 1,
    }


async def test_a_schedule_shows_its_kit(api: Api) -> None:
    kits = {each["code"]: each["kit"] for each in (await api("GET", "/v1/fee-schedules")).json()}
    published = await api("PUT", "/v1/fee-schedules/cbse-2020-xii", json=await cbse() | {"kit": "CBSE-KIT"})

    assert (kits["sahyadri-semester"], kits["neet-ug-2026"]) == ("SU-EXAM-KIT", None)
    assert published.json()["kit"] == "CBSE-KIT"


async def cbse() -> dict[str, Any]:
    document = tomllib.loads((SHIPPED / "schedules/cbse-2020-xii.toml").read_text())
    document["rules"][2]["windows"] = [{"after": "2019-09-30", "amount": 200_000}]
    return document


@pytest.mark.parametrize(
    ("change", "kind", "at"),
    [
        (lambda d: d["rules"].append(d["rules"][0]), "invalid-schedule", "$.rules[4]"),
        (lambda d: d["rules"][0]["base"].pop("st"), "invalid-schedule", "$.rules"),
        (lambda d: d["rules"][0].update(included=0), "invalid-schedule", "$.rules[0].included"),
        (lambda d: d["rules"][0].update(colour="blue"), "invalid-schedule", "$.rules[0].colour"),
        (lambda d: d["rules"][0].update(kind="gift"), "invalid-schedule", "$.rules[0].kind"),
        (lambda d: d.update(closes={"payment": "2020-01-01T00:00:00"}), "invalid-schedule", "$.closes.payment"),
        (lambda d: d.update(code="cbse-2020-x"), "invalid-schedule", "$.code"),
        (lambda d: d.pop("rules"), "invalid-schedule", "$"),
    ],
)
async def test_a_schedule_that_contradicts_itself_is_refused_with_the_place(
    api: Api, change: Callable[[dict[str, Any]], object], kind: str, at: str
) -> None:
    document, before = await cbse(), await api.world()
    change(document)

    assert_problem(await api("PUT", "/v1/fee-schedules/cbse-2020-xii", json=document), 422, kind, at)
    assert await api.world() == before


async def test_the_trace_of_a_request_is_on_its_answer_its_event_and_its_timeline(api: Api) -> None:
    response = await api.submit(X_Request_ID="counter-7/42", traceparent=TRACEPARENT)

    assert (response.headers["X-Request-ID"], response.headers["traceparent"]) == ("counter-7/42", TRACEPARENT)
    [event] = await unpublished(api.application, 10)
    assert (event.message.trace.request_id, event.message.trace.traceparent) == ("counter-7/42", TRACEPARENT)
    _, stored = (await api("GET", f"/v1/exam-fees/{response.json()['id']}")).json()["timeline"]
    assert (stored["request_id"], stored["traceparent"]) == ("counter-7/42", TRACEPARENT)


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "x" * 65, "", "ü", "a b", "<script>"])
async def test_a_request_id_of_another_form_is_not_echoed(api: Api, value: str) -> None:
    response = await api("GET", "/health/live", headers={"X-Request-ID": value.encode()})

    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "value", ["00-zz", "", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'A' * 32}-{'b' * 16}-01", f"{TRACEPARENT}\n"]
)
async def test_a_malformed_traceparent_is_replaced(api: Api, value: str) -> None:
    response = await api("GET", "/health/live", headers={"traceparent": value.encode()})

    assert response.headers["traceparent"] != value
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", response.headers["traceparent"])


@pytest.mark.parametrize("path", ["/nope", "/v1", "/v1/students", "/health", "/docs-assets/../app.py"])
async def test_what_is_not_there_is_a_problem_too(api: Api, path: str) -> None:
    response = await api("GET", path)

    assert_problem(response, 404)
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/exam-fees", {"POST", "OPTIONS"}),
        ("GET", "/v1/quotes", {"POST", "OPTIONS"}),
        ("POST", "/v1/fee-schedules/x", {"PUT", "OPTIONS"}),
        ("HEAD", "/v1/quotes", {"POST", "OPTIONS"}),
    ],
)
async def test_another_method_is_refused_with_those_that_are_allowed(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    response = await api(method, path)

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert (response.content == b"") == (method == "HEAD")


@pytest.mark.parametrize("path", ["/v1/fee-schedules?cod=x", "/v1/deliveries?stat=sent", "/v1/vendors?limit=1"])
async def test_a_query_parameter_that_no_route_has_is_refused(api: Api, path: str) -> None:
    refused = await api("GET", path)

    assert refused.status_code == 400
    assert "unknown query parameter" in refused.json()["detail"]
    assert (await api("GET", "/health/live?monitor=1")).status_code == 200


async def test_options_say_what_is_allowed(api: Api) -> None:
    for path, item in (await api("GET", "/docs/openapi.json")).json()["paths"].items():
        named = re.sub(r"{\w+}", str(UUID(int=7)), path)
        options, unknown = await api("OPTIONS", named), await api("BREW", named)
        expected = {"OPTIONS", *map(str.upper, item)}
        head = {"HEAD"} if (await api("HEAD", named)).status_code != 405 else set()
        for answer in (options, unknown):
            assert answer.headers["Allow"] == ", ".join(sorted(expected | head)), path
        assert (options.status_code, options.content, unknown.status_code) == (204, b"", 405), path


async def test_a_process_that_answers_is_alive_and_ready(api: Api) -> None:
    assert (await api("GET", "/health/live")).json() == {"live": True}
    ready = await api("GET", "/health/ready")

    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert len(ready.json()["dependencies"]) == 3


async def test_without_its_database_a_process_is_alive_but_not_ready(tmp_path: Path) -> None:
    nowhere = SQLite(path=str(tmp_path / "no-such-folder" / "bursar.db"))
    async with opened(Settings(adapters=Adapters(persistence="sqlite"), sqlite=nowhere)) as api:
        ready = await api("GET", "/health/ready")
        submitted = await api.submit()

        assert (await api("GET", "/health/live")).status_code == 200
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        away = [each for each in ready.json()["dependencies"] if not each["ready"]]
        assert [each["name"] for each in away] == ["persistence (sqlite)"]
        assert away[0]["detail"]
        assert_problem(submitted, 503, "unavailable")
        assert int(submitted.headers["Retry-After"]) >= 1


async def test_a_database_without_its_schema_is_not_ready(tmp_path: Path) -> None:
    empty = SQLite(path=str(tmp_path / "empty.db"))
    async with opened(Settings(adapters=Adapters(persistence="sqlite"), sqlite=empty)) as api:
        ready = await api("GET", "/health/ready")

        assert ready.status_code == 503
        assert "the schema is at nothing" in ready.text


class Away(Probe):
    """A dependency that is unavailable."""

    name, remedy = "cache", "start it"

    def __init__(self, *, essential: bool) -> None:
        self.essential = essential

    async def check(self) -> str:
        raise Unavailable("connection refused")


@pytest.mark.parametrize(("essential", "status"), [(True, 503), (False, 200)])
async def test_only_an_essential_dependency_sends_requests_elsewhere(api: Api, essential: bool, status: int) -> None:
    app = http_app(api.application, probes=[Away(essential=essential)], clock=api.clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bursar") as client:
        ready = await client.get("/health/ready")

    assert ready.status_code == status
    [told] = ready.json()["dependencies"]
    assert (told["name"], told["ready"], told["detail"]) == ("cache", False, "connection refused")
    assert (told["essential"], told["remedy"], told["deadline_seconds"]) == (essential, "start it", 2.0)


async def test_metrics_count_requests_by_route_and_not_by_name(api: Api) -> None:
    await api("GET", "/v1/students/some-unique-name")
    await api.submit()
    metrics = await api("GET", "/metrics")

    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'bursar_http_seconds_count{method="GET",route="/v1/students/{registration}",status="404"}' in metrics.text
    assert 'bursar_use_case_seconds_count{outcome="done",use_case="SubmitExamFee"}' in metrics.text
    assert "some-unique-name" not in metrics.text


class Links(HTMLParser):
    """The URLs that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


async def test_the_api_page_needs_no_internet(api: Api) -> None:
    page, links = await api("GET", "/docs"), Links()
    links.feed(page.text)
    assets = [link for link in links.found if not link.startswith("data:")]

    assert page.status_code == 200
    assert assets
    assert not re.search(r"(?:https?:)?//[a-z0-9]", page.text.partition("<body>")[0])
    for asset in assets:
        response = await api("GET", asset)
        assert (asset[0], response.status_code, len(response.content) > 100) == ("/", 200, True)


KINDS = {Unprocessable: "422", Invalid: "400", NotFound: "404", Conflict: "409", Forbidden: "403", Unavailable: "503"}


def defined() -> dict[str, str]:
    """Return the status of each problem type of the core."""
    found: dict[str, str] = {}
    for module in (fees, students, requests, dead_letters):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, CoreError) and kind.__module__ == module.__name__:
                found[problem_type(kind)] = next(status for root, status in KINDS.items() if issubclass(kind, root))
    return found


async def test_every_problem_the_core_defines_is_documented_under_its_status_and_no_other(api: Api) -> None:
    document = (await api("GET", "/docs/openapi.json")).json()
    documented: dict[str, set[str]] = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                for kind in re.findall(r"`(urn:bursar:problem:[a-z-]+)`", response.get("description", "")):
                    documented.setdefault(kind, set()).add(status)

    assert len(defined()) > 15
    of_deliveries = {UnknownDelivery: "404", DeliverySettled: "409", ForgedReport: "403"}
    others = {problem_type(kind): status for kind, status in of_deliveries.items()}
    for kind, status in {**defined(), **others, problem_type(MissingIdempotencyKey): "400"}.items():
        assert documented.get(kind) == {status}, kind


async def test_every_operation_documents_a_defect_of_ours(api: Api) -> None:
    document = (await api("GET", "/docs/openapi.json")).json()
    silent = {
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if list(operation["responses"].get("500", {}).get("content", ())) != ["application/problem+json"]
    }

    assert not silent


def raising(error: Exception) -> Any:
    async def act(*_: object) -> None:
        raise error

    return act


async def test_an_error_of_an_adapter_has_the_documented_type_of_its_kind(api: Api) -> None:
    class Congested(Unavailable):
        """The roster is temporarily locked."""

    use_cases = copy(api.application.use_cases())
    use_cases.students = replace(use_cases.students, find_student=raising(Congested("no way through", retry_after=7)))
    app = http_app(api.application, use_cases=use_cases, clock=api.clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bursar") as client:
        response = await client.get("/v1/students/T-1")

    assert_problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "7"


async def test_every_route_documents_its_problems_as_problem_documents(api: Api) -> None:
    document = (await api("GET", "/docs/openapi.json")).json()
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    shared = document["components"]["responses"]
    named = {f"#/components/responses/{name}": response["content"] for name, response in shared.items()}
    assert document["openapi"].startswith("3.1")
    assert operations.keys() == OPERATIONS
    for name, operation in operations.items():
        answers = {
            int(status): response["content"]
            if "content" in response
            else named[response["$ref"]]
            if "$ref" in response
            else {}
            for status, response in operation["responses"].items()
        }
        for status, content in answers.items():
            expected = {"application/json"} if (name, status) in READINESS else {"application/problem+json"}
            assert status < 400 or content.keys() == expected, (name, status)
        if "/v1/" in name:
            assert 503 in answers, name
        if "requestBody" in operation:
            assert {400, 415} <= answers.keys(), name
    assert {400, 404, 409, 413, 415, 422, 503} <= {int(each) for each in operations["post /v1/exam-fees"]["responses"]}
    assert document["components"]["schemas"]["ExamFeeSubmission"]["additionalProperties"] is False
    assert list(operations["post /v1/students:import"]["requestBody"]["content"]) == ["text/csv"]


async def test_a_request_arrives_when_its_body_is_complete(api: Api) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        whole = json.dumps(SUBMISSION).encode()
        yield whole[:5]
        api.clock.pass_by(timedelta(seconds=25))
        yield whole[5:]

    answer = await api("POST", "/v1/exam-fees", content=slowly(), headers=JSON | {"Idempotency-Key": "slow"})

    assert answer.status_code == 201
    assert answer.json()["received_at"] == api.clock.now().isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("api", ["memory"], indirect=True)  # a thread reads a file
async def test_a_submission_starts_no_thread_and_no_task(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await api.submit()).status_code == 201
    started: list[object] = []
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda *work: started.append(work))
    asyncio.get_running_loop().set_task_factory(lambda *work, **_: started.append(work))  # type: ignore[arg-type]
    try:
        response = await api.submit(CBSE, key="key-2")
    finally:
        asyncio.get_running_loop().set_task_factory(None)

    assert (response.status_code, started) == (201, [])
