"""Reports and settlement files over HTTP: what accountants download, and what they upload."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.identity.roles import Role
from entrypoints.http.settlements import settlement_files
from tests.example_office import example_office
from tests.integration.admission import an_api_key
from tests.integration.test_http_api import Api, assert_problem

SCHEDULE = "sahyadri-semester"
CSV = {"Content-Type": "text/csv"}
HEAD = (
    "transaction_entity,entity_id,amount,currency,fee (exclusive tax),tax,debit,credit,order_id,settlement_id,"
    "settled_at\n"
)
ADJUSTMENT = "adjustment,adj_{},500.00,INR,0.00,0.00,500.00,0.00,,setl_1,20/02/2026 10:00:00\n"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with example_office() as api:
        yield api


async def rows(api: Api, path: str, **query: Any) -> list[dict[str, str]]:
    answer = await api("GET", path, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def upload(api: Api, content: str, gateway: str = "razorpay") -> Any:
    return await api("POST", "/v1/settlements:import", params={"gateway": gateway}, content=content, headers=CSV)


async def test_reports_of_the_office_agree_with_each_other(api: Api) -> None:
    book = await rows(api, "/v1/ledger/day-book", day="2026-02-20")
    [head] = await rows(api, "/v1/ledger/collection", **{"from": "2026-02-01", "to": "2026-02-20"})
    [due] = await rows(api, f"/v1/dues/{SCHEDULE}", day="2026-02-20")
    [centre] = await rows(api, f"/v1/dues/{SCHEDULE}/centres", day="2026-02-20")

    assert [(each["line"], each["amount"]) for each in book] == [("posting", "1500.00"), ("closing", "1500.00")]
    assert (head["head"], head["charged"]) == ("examination", "1500.00")
    assert due["owed"] == centre["owed"] == "1500.00"
    assert due["centre"] == centre["centre"] == "SU-PUNE"


@pytest.mark.parametrize(
    ("path", "status", "kind", "at"),
    [
        ("/v1/ledger/day-book?day=2026-02-30", 400, "invalid", "$.day"),
        ("/v1/ledger/day-book?day=yesterday", 400, "invalid", "$.day"),
        ("/v1/ledger/day-book", 400, "invalid", None),
        ("/v1/ledger/day-book?day=2026-02-21", 422, "unprocessable", "$.day"),
        ("/v1/ledger/day-book?day=0001-01-01", 422, "unprocessable", "$.day"),
        ("/v1/ledger/day-book?day=9999-12-31", 422, "unprocessable", "$.day"),
        ("/v1/ledger/collection?from=2026-02-20&to=2026-02-19", 422, "unprocessable", "$.to"),
        ("/v1/ledger/collection?from=2026-02-20&to=2026-02-21", 422, "unprocessable", "$.to"),
        ("/v1/ledger/collection?from=2026-02-20", 400, "invalid", None),
        (f"/v1/dues/{SCHEDULE}?day=2026-02-21", 422, "unprocessable", "$.day"),
        (f"/v1/dues/{SCHEDULE}?centre=NOWHERE", 404, "no-fees-charged", None),
        (f"/v1/dues/{SCHEDULE}?centre=a%20b", 400, "invalid", "$.centre"),
        ("/v1/dues/unknown", 404, "no-fees-charged", None),
        ("/v1/dues/unknown/centres", 404, "no-fees-charged", None),
    ],
)
async def test_a_report_of_what_cannot_be_is_refused(api: Api, path: str, status: int, kind: str, at: str) -> None:
    assert_problem(await api("GET", path), status, kind, at)


async def test_the_ledger_is_not_for_clerks_and_the_dues_of_other_centres_are_not_there(api: Api) -> None:
    own = await an_api_key(api.application, Role.CLERK, centre="SU-PUNE")
    other = await an_api_key(api.application, Role.CLERK, centre="SU-NASHIK")

    api.client.headers["Authorization"] = f"Bearer {own}"
    assert len(await rows(api, f"/v1/dues/{SCHEDULE}")) == 1
    assert_problem(await api("GET", "/v1/ledger/day-book?day=2026-02-20"), 403, "not-permitted")
    assert_problem(await api("GET", "/v1/ledger/collection?from=2026-02-20&to=2026-02-20"), 403, "not-permitted")
    assert_problem(await upload(api, HEAD), 403, "not-permitted")
    api.client.headers["Authorization"] = f"Bearer {other}"
    assert_problem(await api("GET", f"/v1/dues/{SCHEDULE}"), 404, "no-fees-charged")
    assert_problem(await api("GET", f"/v1/dues/{SCHEDULE}?centre=SU-PUNE"), 404, "no-fees-charged")


async def test_a_settlement_file_is_imported_once_and_its_exceptions_are_settled(api: Api) -> None:
    file = (
        HEAD
        + ADJUSTMENT.format("A")
        + ADJUSTMENT.format("B")
        + "payment,pay_1,1.00,INR,0,0,0,x,,s,20/02/2026 10:00:00\n"
    )
    known = {each["id"] for each in (await api("GET", "/v1/settlement-exceptions")).json()["items"]}

    first, again = (await upload(api, file)).json(), (await upload(api, file)).json()
    found = [
        each for each in (await api("GET", "/v1/settlement-exceptions")).json()["items"] if each["id"] not in known
    ]
    path = f"/v1/settlement-exceptions/{found[0]['id']}/settlement"
    decided = await api("POST", path, json={"decision": "dismiss", "why": "the bank explains it"})
    twice = await api("POST", path, json={"decision": "accept", "why": "the bank explains it"})

    assert (first["read"], first["exceptions"], first["rejected"]) == (3, {"missing-here": 2}, 1)
    assert first["bad_lines"] == [{"number": 4, "reason": "'x' is no amount: write 1500.00"}]
    assert (again["exceptions"], again["repeated"]) == ({}, 2)
    assert {each["name"] for each in found} == {"adj_A", "adj_B"}
    assert (decided.status_code, decided.json()["state"]) == (200, "dismissed")
    assert_problem(twice, 409, "settlement-exception-settled")
    records = (await api("GET", "/v1/audit-records", params={"action": "import-settlement"})).json()["items"]
    assert len(records) == 2


@pytest.mark.parametrize(
    ("gateway", "content", "status", "kind", "at"),
    [
        ("paypal", HEAD, 422, "unprocessable", "$.gateway"),
        ("razorpay", "", 422, "unreadable-settlement", None),
        ("razorpay", "a,b\n1,2\n", 422, "unreadable-settlement", None),
        ("stripe", HEAD, 422, "unreadable-settlement", None),
        ("razorpay", HEAD + '"', 422, "unreadable-settlement", None),
    ],
)
async def test_an_upload_that_is_no_settlement_file_is_refused(
    api: Api, gateway: str, content: str, status: int, kind: str, at: str | None
) -> None:
    assert_problem(await upload(api, content, gateway), status, kind, at)


async def test_an_upload_over_the_size_is_refused_before_it_is_read(api: Api) -> None:
    size = settlement_files.MAX_FILE_BYTES + 1

    answer = await api(
        "POST",
        "/v1/settlements:import?gateway=razorpay",
        content=HEAD.encode(),
        headers=CSV | {"Content-Length": str(size)},
    )

    assert_problem(answer, 413)
    assert_problem(await api("POST", "/v1/settlements:import?gateway=razorpay", content=b"", headers={}), 415)
