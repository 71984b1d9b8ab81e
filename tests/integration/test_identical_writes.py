"""Identical requests at the same moment: all are answered as if they had come one after another."""

import asyncio
import json
import tomllib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from config.container import running
from config.settings import Settings
from core.fees.errors import SchedulePublishedMeanwhile
from core.fees.schedule import FeeSchedule
from tests.applications import an_application
from tests.databases import DatabasePool
from tests.integration.test_http_api import SHIPPED, Api, opened

AT_ONCE = 40
SEMESTER = json.loads(
    json.dumps(tomllib.loads((SHIPPED / "schedules/sahyadri-semester.toml").read_text()), default=str)
)
CSV = {"Content-Type": "text/csv"}
ROSTER = "registration,name,category\n" + "".join(f"T-{number},Asha {number},student\n" for number in range(50))

KEYED_WRITES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/exam-fees", {"schedule": "sahyadri-semester", "registration": "T-1"}),
    ("/v1/allocations", {"order": "o1", "sku": "KIT", "quantity": 3}),
    ("/v1/batches", {"reference": "B2", "sku": "KIT", "quantity": 7}),
    ("/v1/batches", {"reference": "B3", "sku": "NEW", "quantity": 7}),
    ("/v1/shipments", {"order": "o0", "sku": "KIT"}),
]


@pytest.fixture
async def api(stored_settings: Settings, prepared: DatabasePool) -> AsyncIterator[Api]:
    async with prepared.acquire(stored_settings) as settings, opened(settings) as api:
        yield api


async def at_once(api: Api, method: str, path: str, **request: Any) -> list[httpx.Response]:
    return await asyncio.gather(*(api(method, path, **request) for _ in range(AT_ONCE)))


async def publish(api: Api, **changes: Any) -> httpx.Response:
    return await api("PUT", "/v1/fee-schedules/sahyadri-semester", json=SEMESTER | changes)


def assert_all_the_same(answers: list[httpx.Response], status: int) -> None:
    assert Counter(answer.status_code for answer in answers) == {status: AT_ONCE}, answers[-1].text
    assert len({answer.content for answer in answers}) == 1


async def test_identical_publications_all_get_the_same_version(api: Api) -> None:
    for version, changes in enumerate(({}, {"title": "Second"}), start=1):
        answers = await asyncio.gather(*(publish(api, **changes) for _ in range(AT_ONCE)))

        assert_all_the_same(answers, 200)
        assert answers[0].json()["version"] == version
    [in_force] = (await api("GET", "/v1/fee-schedules")).json()
    assert (in_force["version"], in_force["title"]) == (2, "Second")


async def test_different_publications_still_conflict_and_agree_on_who_won(api: Api) -> None:
    answers = await asyncio.gather(*(publish(api, title=f"Title {number % 4}") for number in range(AT_ONCE)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    published = {(made["version"], made["title"]) for made in (a.json() for a in answers if a.status_code == 200)}
    assert len(published) == len({version for version, _ in published})
    assert {a.json()["type"] for a in answers if a.status_code == 409} <= {
        "urn:bursar:problem:schedule-published-meanwhile"
    }
    [in_force] = (await api("GET", "/v1/fee-schedules")).json()
    assert (in_force["version"], in_force["title"]) == max(published)
    assert (await publish(api, title=in_force["title"])).json()["version"] == in_force["version"]


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_processes_that_publish_the_same_document_agree(
    stored_settings: Settings, prepared: DatabasePool
) -> None:
    """Each application has its own connections and its own cache, as two commands on two machines have."""
    async with prepared.acquire(stored_settings) as settings, AsyncExitStack() as stack:
        opened = [an_application(settings) for _ in range(2)]
        uses = [(await stack.enter_async_context(running(each))).use_cases().fees for each in opened]
        for version, title in enumerate(("First", "Second", "Third"), start=1):
            wanted = [use.publish_fee_schedule(SEMESTER | {"title": title}) for use in uses * 5]
            assert {(made.version, made.title) for made in await asyncio.gather(*wanted)} == {(version, title)}
        outcomes = await asyncio.gather(
            *(use.publish_fee_schedule(SEMESTER | {"title": name}) for use, name in zip(uses, "AB", strict=True)),
            return_exceptions=True,
        )
    assert {type(outcome) for outcome in outcomes} <= {FeeSchedule, SchedulePublishedMeanwhile}


async def test_one_idempotency_key_gets_one_answer(api: Api) -> None:
    await prepare(api)
    for number, (path, body) in enumerate(KEYED_WRITES):
        sent: dict[str, Any] = {"json": body, "headers": {"Idempotency-Key": f"same-{number}"}}
        answers = await at_once(api, "POST", path, **sent)

        assert_all_the_same(answers, 201)
        assert (await api("POST", path, **sent)).content == answers[0].content
        await api("DELETE", "/v1/allocations/o1")


async def test_identical_changes_of_a_batch_all_succeed(api: Api) -> None:
    await prepare(api)
    for change in ({"eta": "2026-03-01"}, {"eta": None}, {"quantity": 12}):
        assert_all_the_same(await at_once(api, "PATCH", "/v1/batches/B1", json=change), 200)


async def test_the_same_line_under_many_keys_gets_one_batch(api: Api) -> None:
    await prepare(api)
    body = {"order": "o2", "sku": "KIT", "quantity": 3}
    asked = [api("POST", "/v1/allocations", json=body, headers={"Idempotency-Key": f"k{n}"}) for n in range(AT_ONCE)]

    assert_all_the_same(await asyncio.gather(*asked), 201)


async def test_a_batch_under_many_keys_is_created_once_and_the_others_are_told(api: Api) -> None:
    body = {"reference": "B9", "sku": "NEW", "quantity": 7}
    asked = [api("POST", "/v1/batches", json=body, headers={"Idempotency-Key": f"k{n}"}) for n in range(AT_ONCE)]
    answers = await asyncio.gather(*asked)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {
        "urn:bursar:problem:batch-already-created"
    }


async def test_identical_rosters_are_imported_once(api: Api) -> None:
    answers = await at_once(api, "POST", "/v1/students:import", content=ROSTER.encode(), headers=CSV)

    assert Counter(answer.status_code for answer in answers) == {200: AT_ONCE}
    assert {answer.json()["rejected"] for answer in answers} == {0}
    again = (await api("POST", "/v1/students:import", content=ROSTER.encode(), headers=CSV)).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 50)


async def prepare(api: Api) -> None:
    """Publish a schedule, import a roster, and create a batch of which one line has a part."""
    assert (await publish(api)).status_code == 200
    await api("POST", "/v1/students:import", content=ROSTER.encode(), headers=CSV)
    for path, body in (
        ("/v1/batches", {"reference": "B1", "sku": "KIT", "quantity": 10, "eta": "2026-03-02"}),
        ("/v1/allocations", {"order": "o0", "sku": "KIT", "quantity": 1}),
    ):
        made = await api("POST", path, json=body, headers={"Idempotency-Key": f"prepare {path}".replace(" ", "-")})
        assert made.status_code == 201, made.text
