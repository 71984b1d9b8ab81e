"""The inventory over HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from config.settings import Settings
from tests.databases import DatabasePool
from tests.examples import a_message
from tests.integration.test_http_api import Api, assert_problem, opened
from tests.units_of_work import any_work

NEXT = iter(range(1_000_000))
TOMORROW, YESTERDAY = "2026-02-21", "2026-02-19"
"""The 20th in the inventory's time zone."""


@pytest.fixture
async def api(stored_settings: Settings, prepared: DatabasePool) -> AsyncIterator[Api]:
    async with prepared.acquire(stored_settings) as settings, opened(settings) as api:
        yield api


async def post(api: Api, path: str, body: Any, key: str | None = None) -> httpx.Response:
    return await api("POST", path, json=body, headers={"Idempotency-Key": key or f"key-{next(NEXT)}"})


async def buy(api: Api, reference: str = "B1", quantity: int = 10, sku: str = "KIT", **more: Any) -> httpx.Response:
    return await post(api, "/v1/batches", {"reference": reference, "sku": sku, "quantity": quantity} | more)


async def allocate(api: Api, order: str, quantity: int = 1, sku: str = "KIT", **more: Any) -> httpx.Response:
    return await post(api, "/v1/allocations", {"order": order, "sku": sku, "quantity": quantity} | more)


def batches_of(answer: httpx.Response) -> list[str]:
    return [part["batch"] for part in answer.json()["parts"]]


async def test_an_order_is_told_its_batch_and_why_it_is_that_one(api: Api) -> None:
    await buy(api, "SHIP", 10, eta=TOMORROW)
    await buy(api, "NEAR", 2)
    answer = await allocate(api, "o1", 3)

    assert (answer.status_code, answer.json()["state"]) == (201, "allocated")
    assert answer.json()["parts"] == [{"batch": "SHIP", "quantity": 3, "eta": TOMORROW}]
    assert answer.json()["why"] == f"arrives on {TOMORROW}, the first that has all 3"
    assert answer.json()["passed_over"] == [{"batch": "NEAR", "why": "in the warehouse, but has only 2"}]


async def test_a_request_that_is_repeated_is_answered_byte_for_byte(api: Api) -> None:
    await buy(api)
    body = {"order": "o1", "sku": "KIT", "quantity": 3}
    first, again = [await post(api, "/v1/allocations", body, "same") for _ in range(2)]
    bought = [
        await post(api, "/v1/batches", {"reference": "B2", "sku": "KIT", "quantity": 1}, "bought") for _ in range(2)
    ]

    assert (again.status_code, again.content, again.headers["Idempotency-Replayed"]) == (201, first.content, "true")
    assert (bought[1].status_code, bought[1].content) == (201, bought[0].content)


async def test_the_first_answer_stands_whatever_became_of_the_line(api: Api) -> None:
    await buy(api)
    body = {"order": "o1", "sku": "KIT", "quantity": 3}
    first = await post(api, "/v1/allocations", body, "same")
    await api("DELETE", "/v1/allocations/o1")
    again = await post(api, "/v1/allocations", body, "same")

    assert again.content == first.content
    assert (await api("PATCH", "/v1/batches/B1", json={"quantity": 10})).json()["batch"]["available"] == 10


async def test_the_same_line_under_another_key_gets_the_same_batch(api: Api) -> None:
    await buy(api, "B1", 3)
    first, again = await allocate(api, "o1", 3), await allocate(api, "o1", 3)

    assert (again.status_code, again.json()) == (201, first.json())


async def test_a_key_is_for_one_line(api: Api) -> None:
    await buy(api)
    await post(api, "/v1/allocations", {"order": "o1", "sku": "KIT", "quantity": 1}, "same")
    other = await post(api, "/v1/allocations", {"order": "o2", "sku": "KIT", "quantity": 1}, "same")

    assert_problem(other, 422, "idempotency-key-reused")
    assert (await api("PATCH", "/v1/batches/B1", json={"quantity": 10})).json()["batch"]["allocated"] == 1


async def test_a_reused_key_fails_alone_in_its_allocation_batch(api: Api) -> None:
    await buy(api)
    await post(api, "/v1/allocations", {"order": "o0", "sku": "KIT", "quantity": 1}, "same")
    wanted = [post(api, "/v1/allocations", {"order": f"o{n}", "sku": "KIT", "quantity": 1}) for n in range(1, 6)]
    reused = post(api, "/v1/allocations", {"order": "o9", "sku": "KIT", "quantity": 1}, "same")
    *others, refused = await asyncio.gather(*wanted, reused)

    assert {each.status_code for each in others} == {201}
    assert_problem(refused, 422, "idempotency-key-reused")


async def test_another_quantity_is_refused_and_the_first_is_named(api: Api) -> None:
    await buy(api)
    await allocate(api, "o1", 3)
    answer = await allocate(api, "o1", 4)

    assert_problem(answer, 409, "line-already-allocated")
    assert answer.json()["facts"] == {"quantity": "3", "state": "allocated", "batch": "B1"}


async def test_a_line_that_may_wait_gets_what_arrives(api: Api) -> None:
    waiting = await allocate(api, "o1", 3, wait=True)
    bought = await buy(api, "B1", 5)

    assert (waiting.status_code, waiting.json()["state"]) == (201, "waiting")
    assert (bought.json()["served"], bought.json()["batch"]["available"]) == (1, 2)
    assert batches_of(await allocate(api, "o1", 3, wait=True)) == ["B1"]


async def test_a_reduced_batch_lists_its_deallocated_and_reallocated_lines(api: Api) -> None:
    await buy(api, "B1", 4)
    for order in ("o1", "o2"):
        await allocate(api, order, 2)
    await buy(api, "B2", 2)
    change = await api("PATCH", "/v1/batches/B1", json={"quantity": 3})

    assert (change.json()["gave_up"], change.json()["served"]) == (1, 1)
    assert [batches_of(await allocate(api, order, 2)) for order in ("o1", "o2")] == [["B1"], ["B2"]]


async def test_the_arrival_of_a_batch_can_be_moved_and_ended(api: Api) -> None:
    await buy(api, eta=TOMORROW)
    moved, there = [await api("PATCH", "/v1/batches/B1", json={"eta": eta}) for eta in ("2026-03-01", None)]

    assert [each.json()["batch"]["eta"] for each in (moved, there)] == ["2026-03-01", None]


async def test_shipped_stock_can_be_neither_deallocated_nor_corrected_away(api: Api) -> None:
    await buy(api)
    await allocate(api, "o1", 3)
    shipped, again = [await post(api, "/v1/shipments", {"order": "o1", "everything": True}, "parcel") for _ in range(2)]

    assert ([line["state"] for line in shipped.json()], again.content) == (["shipped"], shipped.content)
    assert_problem(await post(api, "/v1/shipments", {"order": "o1", "everything": True}), 404, "unknown-order-line")
    assert_problem(await api("DELETE", "/v1/allocations/o1"), 409, "already-shipped")
    assert_problem(await api("DELETE", "/v1/allocations/o1/KIT"), 409, "already-shipped")
    below = await api("PATCH", "/v1/batches/B1", json={"quantity": 2})
    assert_problem(below, 409, "quantity-below-shipped")
    assert below.json()["facts"] == {"shipped": "3"}


@pytest.mark.parametrize(
    ("body", "status", "problem", "at"),
    [
        ({"order": "o1"}, 422, "unprocessable", "$.sku"),
        ({"order": "o1", "sku": None}, 422, "unprocessable", "$.sku"),
        ({"order": "o1", "article": "KIT"}, 400, "invalid", "$.article"),
        ({"order": "o1", "sku": "KIT", "everything": True}, 422, "unprocessable", "$.everything"),
    ],
)
async def test_a_whole_order_is_shipped_only_in_so_many_words(
    api: Api, body: dict[str, Any], status: int, problem: str, at: str
) -> None:
    await buy(api)
    await allocate(api, "o1", 3)

    assert_problem(await post(api, "/v1/shipments", body), status, problem, at)


async def test_a_field_that_is_given_twice_is_refused(api: Api) -> None:
    await buy(api)
    headers = {"Idempotency-Key": "twice", "Content-Type": "application/json"}
    body = b'{"order": "o1", "order": "o2", "sku": "KIT", "quantity": 1}'

    assert_problem(await api("POST", "/v1/allocations", content=body, headers=headers), 400, "invalid")


@pytest.mark.parametrize("path", ["/v1/allocations/o1/", "/v1/allocations//o1", "/v1/allocations/o1//"])
async def test_a_line_without_its_sku_is_no_order(api: Api, path: str) -> None:
    await buy(api)
    await allocate(api, "o1", 3)

    assert (await api("DELETE", path)).status_code == 400
    assert (await api("DELETE", "/v1/allocations/o1/KIT")).json()["state"] == "deallocated"


async def test_a_line_that_waits_cannot_be_shipped(api: Api) -> None:
    await allocate(api, "o1", 3, wait=True)

    assert_problem(await post(api, "/v1/shipments", {"order": "o1", "sku": "KIT"}), 409, "line-waits")


@pytest.mark.parametrize(
    ("change", "status", "problem", "at"),
    [
        ({"quantity": 0}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": -1}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": 10**100}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": 10**4_200}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": 1.5}, 400, "invalid", "$.quantity"),
        ({"quantity": "3"}, 400, "invalid", "$.quantity"),
        ({"quantity": 1_000_001}, 400, "invalid-quantity", "$.quantity"),
        ({"reference": "B 1"}, 400, "invalid", "$.reference"),
        ({"reference": "B1\r\nX: y"}, 400, "invalid", "$.reference"),
        ({"sku": "x" * 65}, 400, "invalid", "$.sku"),
        ({"sku": "कट"}, 400, "invalid", "$.sku"),
        ({"eta": YESTERDAY}, 422, "arrival-in-the-past", "$.eta"),
        ({"eta": "soon"}, 400, "invalid", "$.eta"),
        ({"colour": "red"}, 400, "invalid", "$.colour"),
        ({"reference": "B0"}, 409, "batch-already-created", None),
    ],
)
async def test_an_invalid_batch_is_refused(
    api: Api, change: dict[str, Any], status: int, problem: str, at: str | None
) -> None:
    await buy(api, "B0")
    answer = await post(api, "/v1/batches", {"reference": "B1", "sku": "KIT", "quantity": 10} | change)

    assert_problem(answer, status, problem, at)
    assert_problem(await api("PATCH", "/v1/batches/B1", json={"quantity": 1}), 404, "unknown-batch")


@pytest.mark.parametrize(
    ("change", "status", "problem", "at"),
    [
        ({"quantity": 0}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": -3}, 400, "invalid-quantity", "$.quantity"),
        ({"quantity": 11}, 409, "out-of-stock", None),
        ({"sku": "NOBODYS"}, 404, "unknown-sku", "$.sku"),
        ({"order": ""}, 400, "invalid", "$.order"),
        ({"order": "a/b"}, 400, "invalid", "$.order"),
        ({"priority": 10}, 400, "invalid", "$.priority"),
        ({"split": "false"}, 400, "invalid", "$.split"),
        ({"hold_until": "2026-02-20T00:00:00Z"}, 422, "hold-in-the-past", "$.hold_until"),
        ({"hold_until": "2027-02-20T00:00:00"}, 400, "invalid", "$.hold_until"),
        ({"hold_until": "9999-12-31T23:59:59-12:00"}, 400, "invalid", "$.hold_until"),
        ({"once": True}, 400, "invalid", "$.once"),
    ],
)
async def test_an_allocation_that_cannot_be_is_refused(
    api: Api, change: dict[str, Any], status: int, problem: str, at: str | None
) -> None:
    await buy(api, "B1", 10)
    answer = await post(api, "/v1/allocations", {"order": "o1", "sku": "KIT", "quantity": 1} | change)

    assert_problem(answer, status, problem, at)
    assert (await api("PATCH", "/v1/batches/B1", json={"quantity": 10})).json()["batch"]["available"] == 10


@pytest.mark.parametrize("body", [{}, {"quantity": 1, "eta": None}, {"quantity": -1}])
async def test_a_change_of_a_batch_that_makes_no_sense_is_refused(api: Api, body: dict[str, Any]) -> None:
    await buy(api)

    assert (await api("PATCH", "/v1/batches/B1", json=body)).status_code == 400


@pytest.mark.parametrize("path", ["o9", "o9/KIT", "o9/NOBODYS", "%00", "o%0A/KIT", "x" * 3_000])
async def test_an_unknown_order_line_is_not_found(api: Api, path: str) -> None:
    await buy(api)
    answer = await api("DELETE", f"/v1/allocations/{path}")

    assert answer.status_code in (400, 404)


async def test_of_five_hundred_concurrent_allocations_of_one_hundred_units_one_hundred_succeed(
    api: Api,
) -> None:
    await buy(api, "B1", 100)
    answers = await asyncio.gather(*(allocate(api, f"o{number}") for number in range(500)))

    told = Counter((each.status_code, each.json().get("type", "").rpartition(":")[2]) for each in answers)
    assert told == {(201, ""): 100, (409, "out-of-stock"): 400}
    assert (await api("PATCH", "/v1/batches/B1", json={"quantity": 100})).json()["batch"]["available"] == 0


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
@pytest.mark.parametrize("what", ["cancelled", "shipped"])
async def test_an_operation_on_a_whole_order_is_retried_on_deadlock(api: Api, what: str) -> None:
    for sku in ("A", "B"):
        await buy(api, f"of-{sku}", sku=sku)
        await allocate(api, "o1", sku=sku)
    async with api.application.messaging.new_inbox() as batch:
        await batch.deduplicate(a_message())  # the database chooses the transaction with fewer writes as the victim
        async with any_work(api.application, batch) as part:
            await part.skus.lock(["B"])
            ask = (
                post(api, "/v1/shipments", {"order": "o1", "everything": True})
                if what == "shipped"
                else api("DELETE", "/v1/allocations/o1")
            )
            asking = asyncio.create_task(ask)
            done, _ = await asyncio.wait({asking}, timeout=0.3)
            assert not done
            await part.skus.lock(["A"])

    assert [line["state"] for line in (await asking).json()] == [what, what]


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_a_sku_locked_for_too_long_does_not_delay_other_skus(api: Api) -> None:
    for sku in ("HOT", "COLD"):
        await buy(api, f"B-{sku}", 10, sku)
    async with any_work(api.application) as other:
        await other.skus.lock(["HOT"])
        wanted = [allocate(api, f"o{number}", 1, sku) for number in range(3) for sku in ("HOT", "COLD")]
        answers = await asyncio.gather(*wanted)
        later = await allocate(api, "o9", 1, "COLD")
    free = await allocate(api, "o9", 1, "HOT")

    assert [each.status_code for each in answers] == [503, 201] * 3
    assert [later.status_code, free.status_code] == [201, 201]
