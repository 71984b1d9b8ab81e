"""GraphQL: the same records, permissions and problems as the HTTP API, and queries that ask for too much."""

import re
import time
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from graphql import parse

from config.sections.http import GraphQL
from core.identity.roles import Role
from core.students.roster import read_rows
from entrypoints.http.graphql.cost import check_cost
from entrypoints.http.graphql.queries import PAGES, SCHEMA
from entrypoints.http.query_limits import QueryTooLarge
from tests.databases import statements
from tests.integration.admission import http_app
from tests.integration.test_own_papers import OTHER, OWN, key_of, paid
from tests.integration.test_payments_api import PayingApi, paying_office

PROBLEM = "urn:bursar:problem:"
FEE = """query fee($name: String!) { examFee(name: $name) {
    id reference registration state scheduleVersion receivedAt total { minor currency }
    lines { head amount { minor currency } }
    payments { status owed { minor currency } payments { gateway amount { minor currency } paidAt late } }
    receipts { number amount { minor currency } }
    timeline { at what }
} }"""
BOMB = "".join(
    f"fragment f{each} on ExamFee {{ a: __typename ...f{each + 1} b: __typename ...f{each + 1} }} "
    for each in range(100)
)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PayingApi]:
    async with paying_office(tmp_path / "book.jsonl", tmp_path / "bursar.db") as api:
        yield api


async def ask(api: PayingApi, query: str, *, headers: Mapping[str, str] | None = None, **variables: Any) -> Any:
    """Return the answer to a query, which is always a documented one."""
    answer = await api("POST", "/v1/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
    return answer.json()


async def told(api: PayingApi, query: str, **more: Any) -> tuple[int, str]:
    """Return the status and the type of the only problem of a query."""
    [error] = (await ask(api, query, **more))["errors"]
    return error["extensions"]["status"], error["extensions"]["type"].removeprefix(PROBLEM)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(each.title() for each in rest)


def part(answer: Any, shown: Any) -> Any:
    """Return those members of an answer of the HTTP API that a query has asked for."""
    if isinstance(shown, dict):
        named = {camel(name): value for name, value in answer.items()}
        return {name: part(named[name], value) for name, value in shown.items()}
    if isinstance(shown, list):
        assert len(answer) == len(shown)
        return [part(*each) for each in zip(answer, shown, strict=True)]
    return answer


def moments(shown: Any) -> Any:
    """Return an answer with `Z` for the offset of moments."""
    if isinstance(shown, dict):
        return {name: moments(value) for name, value in shown.items()}
    if isinstance(shown, list):
        return [moments(each) for each in shown]
    return shown.replace("+00:00", "Z") if isinstance(shown, str) else shown


async def test_a_query_shows_what_the_http_api_shows(api: PayingApi) -> None:
    fee = await paid(api, OWN)

    shown = moments((await ask(api, FEE, name=fee.reference))["data"]["examFee"])
    payments, receipts = shown.pop("payments"), shown.pop("receipts")
    assert shown == part((await api("GET", f"/v1/exam-fees/{fee.reference}")).json(), shown)
    assert payments == part((await api("GET", f"/v1/exam-fees/{fee.reference}/payments")).json(), payments)
    assert receipts == part((await api("GET", f"/v1/receipts?fee={fee.reference}")).json()["receipts"], receipts)
    assert len(payments["payments"]) == len(receipts) == 1
    assert len(shown["timeline"]) > 1


async def test_a_caller_reads_by_graphql_what_it_reads_by_http(api: PayingApi) -> None:
    own, other = await paid(api, OWN), await paid(api, OTHER)
    student = await api.application.use_cases().students.find_student(OWN)
    key = await key_of(api, Role.CANDIDATE, student=student.id)

    assert (await ask(api, FEE, name=own.reference, headers=key))["data"]["examFee"]["reference"] == own.reference
    assert await told(api, FEE, name=other.reference, headers=key) == (404, "unknown-exam-fee")
    assert await told(api, FEE, name="BR-NONE", headers=key) == (404, "unknown-exam-fee")
    assert await told(api, f'{{ candidate(registration: "{OTHER}") {{ id }} }}', headers=key) == (403, "not-permitted")
    assert await told(api, "{ deliveries { edges { cursor } } }", headers=key) == (403, "not-permitted")
    assert await told(api, '{ availability(sku: "EXAM-KIT") { pieces } }', headers=key) == (403, "not-permitted")
    anonymous = await api("POST", "/v1/graphql", json={"query": FEE}, headers={"Authorization": "Bearer no"})
    assert anonymous.status_code == 401


async def test_what_one_field_may_not_show_leaves_the_others(api: PayingApi) -> None:
    answer = await ask(
        api, '{ a: batch(reference: "none") { sku } examFee(name: "none") { id } availability(sku: "-") { pieces } }'
    )

    assert answer["data"] == {"a": None, "examFee": None, "availability": None}
    problems = {error["path"][0]: error["extensions"] for error in answer["errors"]}
    assert {name: each["status"] for name, each in problems.items()} == {"a": 404, "examFee": 404, "availability": 400}
    assert problems["availability"]["at"] == "$.sku"


@pytest.fixture
async def submitted(api: PayingApi) -> PayingApi:
    """Submit the fees of 32 candidates."""
    rows = "".join(f"Q-{number},Candidate {number},student\n" for number in range(32))

    async def roster() -> AsyncIterator[bytes]:
        yield f"registration,name,category\n{rows}".encode()

    await api.application.use_cases().students.import_students(read_rows(roster()))
    for number in range(32):
        await api.submit({"schedule": "sahyadri-semester", "registration": f"Q-{number}"}, key=f"{number}")
    await api.work()
    return api


async def clearance(api: PayingApi, first: int, after: str | None = None) -> Any:
    asked = """query ($first: Int!, $after: String) {
        clearance(schedule: "sahyadri-semester", first: $first, after: $after) {
            pageInfo { hasNextPage endCursor }
            edges { cursor node { reference examFee {
                total { minor } payments { owed { minor } } receipts { number } timeline { what }
            } } }
        } }"""
    answer = await ask(api, asked, first=first, after=after)
    assert "errors" not in answer
    return answer["data"]["clearance"]


async def test_a_list_is_walked_page_by_page_without_gap_or_repetition(submitted: PayingApi) -> None:
    whole = await clearance(submitted, 40)
    pages = [await clearance(submitted, 7)]
    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await clearance(submitted, 7, pages[-1]["pageInfo"]["endCursor"]))

    assert [edge for page in pages for edge in page["edges"]] == whole["edges"]
    assert len(whole["edges"]) == 32
    behind = await clearance(submitted, 40, whole["edges"][1]["cursor"])
    assert behind["edges"] == whole["edges"][2:]


async def test_a_longer_page_needs_no_more_database_statements(submitted: PayingApi) -> None:
    asked = statements(submitted.application)
    counts = []
    for first in (4, 4, 32):
        asked.clear()
        await clearance(submitted, first)
        counts.append(len(asked))

    assert counts[1] == counts[2] <= 16, counts


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ('{ clearance(schedule: "sahyadri-semester", after: "x") { edges { cursor } } }', "invalid"),
        ('{ clearance(schedule: "sahyadri-semester", first: 101) { edges { cursor } } }', "invalid"),
        ('{ clearance(schedule: "sahyadri-semester", first: 0) { edges { cursor } } }', "invalid"),
        ('{ deliveries(after: "9999-99-99T00:00:00Z_x") { edges { cursor } } }', "invalid"),
        ('{ deliveries(state: "lost") { edges { cursor } } }', "invalid"),
        ('{ deliveries(since: "yesterday") { edges { cursor } } }', "invalid"),
        ('{ receipts(after: "R-1") { edges { cursor } } }', "invalid"),
        (f'{{ clearance(schedule: "x", first: {"9" * 100}) {{ edges {{ cursor }} }} }}', "invalid"),
        ("{ examFee(name: 7) { id } }", "invalid"),
        ("{ examFee { id } }", "invalid"),
        ("{ examFees { id } }", "invalid"),
        ("{ examFee(name:", "invalid"),
        ("mutation { pay }", "invalid"),
        ("subscription { timeline }", "invalid"),
        ("{ __schema { types { name } } }", "query-too-large"),
        ("{ ...f } fragment f on Query { ...f }", "query-too-large"),
        ("{" + "a" * 3 + "{a" * 40 + "}" * 41, "query-too-large"),
        ("{" * 5_000, "invalid"),
        ("{" + " a" * 2_100 + "}", "invalid"),
        (
            '{ clearance(schedule: "x", first: 100) { edges { node { examFee { receipts { code issuer zone } } } } } }',
            "query-too-large",
        ),
        ("{ examFee(name: 1) { ...f0 } } " + BOMB + "fragment f100 on ExamFee { id }", "query-too-large"),
    ],
)
async def test_a_query_that_cannot_be_answered_is_a_client_error(api: PayingApi, query: str, kind: str) -> None:
    answer = await ask(api, query)

    assert {error["extensions"]["type"] for error in answer["errors"]} == {PROBLEM + kind}
    assert {error["extensions"]["status"] for error in answer["errors"]} == {400}
    assert not answer.get("data") or set(answer["data"].values()) == {None}


@pytest.mark.parametrize(
    "body", [b"[]", b'[{"query":"{a}"}]', b'{"query":""}', b'{"query":"{a}","more":1}', b"{", b'{"query":7}']
)
async def test_a_body_that_is_no_query_is_refused_like_any_other(api: PayingApi, body: bytes) -> None:
    answer = await api("POST", "/v1/graphql", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_query_that_expands_without_end_is_refused_at_once() -> None:
    doubled = [" ".join(f"x{alias}: payments {{ ...f{each + 1} }}" for alias in range(8)) for each in range(10)]
    fragments = "".join(f"fragment f{each} on ExamFee {{ {text} }} " for each, text in enumerate(doubled))
    text = '{ examFee(name: "x") { ...f0 } } ' + fragments + "fragment f10 on ExamFee { id }"
    document, took = parse(text), []
    tracemalloc.start()
    for _ in range(5):
        began = time.perf_counter()
        with pytest.raises(QueryTooLarge):
            check_cost(document, {}, PAGES, GraphQL(max_depth=100))
        took.append(time.perf_counter() - began)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert min(took) < 0.01
    assert most < 20 * 2**20


@pytest.mark.parametrize("step", [*pairwise([1, 10, 100])])
def test_each_item_of_a_page_counts(step: tuple[int, int]) -> None:
    query = parse("query ($n: Int = 3) { receipts(first: $n) { edges { cursor } } }")
    fewer, more = step

    check_cost(query, {"n": fewer}, PAGES, GraphQL(max_fields=1 + 2 * more - 1))
    with pytest.raises(QueryTooLarge):
        check_cost(query, {"n": more}, PAGES, GraphQL(max_fields=1 + 2 * more - 1))


def test_every_field_that_takes_a_page_size_is_counted_as_a_page() -> None:
    paged = re.findall(r"(\w+)\([^)]*\bfirst: Int", SCHEMA.as_str())

    assert len(paged) > 3
    assert {*paged} <= PAGES


async def test_the_schema_is_shown_where_a_setting_allows_it(api: PayingApi) -> None:
    api.client._transport.app = http_app(api.application, clock=api.clock, graphql=GraphQL(introspection=True))  # type: ignore[attr-defined]

    answer = await ask(api, "{ __schema { queryType { name } types { name fields { name type { name } } } } }")
    assert answer["data"]["__schema"]["queryType"] == {"name": "Query"}
    nested = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } }"
    assert "errors" in await ask(api, nested)


async def test_graphql_is_off_until_a_setting_turns_it_on(api: PayingApi) -> None:
    api.client._transport.app = http_app(api.application, clock=api.clock)  # type: ignore[attr-defined]

    answer = await api("POST", "/v1/graphql", json={"query": FEE})
    assert (answer.status_code, answer.json()["type"]) == (404, f"{PROBLEM}graphql-disabled")
