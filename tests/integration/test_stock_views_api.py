"""The views of inventory over HTTP, over each kind of storage without a server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.sections.servers import SQLite
from config.settings import Adapters, Settings
from tests.databases import DatabasePool
from tests.integration.test_http_api import Api, assert_problem, opened
from tests.inventory_harness import KIT, InventoryHarness

EVENTUALLY = {"Prefer": "wait=5"}


class InventoryApi(InventoryHarness):
    """The inventory harness with an HTTP client."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.application)
        self.api = api


@pytest.fixture(params=["memory", "sqlite"])
async def inventory(
    request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool
) -> AsyncIterator[InventoryApi]:
    chosen = Settings(adapters=Adapters(persistence=request.param), sqlite=SQLite(path=str(tmp_path / "bursar.db")))
    async with prepared.acquire(chosen) as settings, opened(settings) as api:
        inventory = InventoryApi(api)
        await inventory.buy("B-1", 10)
        await inventory.buy("B-2", 30, eta=api.clock.now().date().replace(year=2027))
        await inventory.take_in()
        yield inventory


async def post(inventory: InventoryApi, **body: Any) -> dict[str, Any]:
    demand = {"order": "order-1", "sku": KIT, "quantity": 4} | body
    answer = await inventory.api("POST", "/v1/allocations", json=demand, headers={"Idempotency-Key": demand["order"]})
    assert answer.status_code == 201, answer.text
    line: dict[str, Any] = answer.json()
    return line


async def test_an_order_is_shown_as_it_was_answered(inventory: InventoryApi) -> None:
    line = await post(inventory, quantity=12)
    await inventory.take_in()
    shown = await inventory.api("GET", "/v1/allocations/order-1")

    assert shown.status_code == 200
    assert shown.json() == {"order": "order-1", "lines": [line], "caught_up": None}
    assert [each["batch"] for each in line["parts"]] == ["B-2"]
    assert [each["batch"] for each in line["passed_over"]] == ["B-1"]
    assert "Preference-Applied" not in shown.headers


async def test_stock_is_shown_for_a_day_and_after_each_arrival(inventory: InventoryApi) -> None:
    await post(inventory)
    await inventory.take_in()
    shown = (await inventory.api("GET", f"/v1/availability/{KIT}?on=2027-01-01")).json()

    assert (shown["sku"], shown["on"], shown["pieces"], shown["version"]) == (KIT, "2027-01-01", 6, 3)
    assert [each["pieces"] for each in shown["arrivals"]] == [6, 36]
    assert [(each["reference"], each["available"]) for each in shown["batches"]] == [("B-1", 6), ("B-2", 30)]
    assert (await inventory.api("GET", f"/v1/availability/{KIT}")).json()["pieces"] == 36


async def test_a_batch_is_shown(inventory: InventoryApi) -> None:
    shown = (await inventory.api("GET", "/v1/batches/B-1")).json()

    assert (shown["batch"]["sku"], shown["batch"]["purchased"], shown["caught_up"]) == (KIT, 10, None)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/allocations/order-1", "unknown-order"),
        ("/v1/allocations/%F0%9F%98%80%00", "unknown-order"),
        (f"/v1/allocations/{'x' * 3_000}", "unknown-order"),
        ("/v1/availability/GOWN", "unknown-sku"),
        ("/v1/batches/B-9", "unknown-batch"),
    ],
)
async def test_an_unknown_sku_order_or_batch_is_not_found(inventory: InventoryApi, path: str, kind: str) -> None:
    for headers in ({}, {"Prefer": "wait=0"}):
        assert_problem(await inventory.api("GET", path, headers=headers), 404, kind)


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("/v1/allocations/order-1?at_least=17", "$.at_least"),
        (f"/v1/availability/{KIT}?at_least={KIT}:x", "$.at_least"),
        (f"/v1/availability/{KIT}?on=soon", "$.on"),
        ("/v1/batches/B-1?at_least=", "$.at_least"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(inventory: InventoryApi, path: str, at: str) -> None:
    assert_problem(await inventory.api("GET", path), 400, "invalid", at)


@pytest.mark.parametrize(
    ("query", "headers"), [("", EVENTUALLY), ("?at_least={token}", {}), ("?at_least={token}", EVENTUALLY)]
)
async def test_a_client_reads_its_own_write_once_projected(
    inventory: InventoryApi, query: str, headers: dict[str, str]
) -> None:
    line = await post(inventory)
    path = "/v1/allocations/order-1" + query.format(token=f"{KIT}:{line['version']}")
    looking = asyncio.create_task(inventory.api("GET", path, headers=headers))
    await asyncio.wait({looking}, timeout=0.05)
    assert not looking.done()
    await inventory.take_in()
    shown = await looking

    assert (shown.json()["lines"], shown.json()["caught_up"]) == ([line], True)
    assert shown.headers.get("Preference-Applied") == ("wait" if headers else None)


@pytest.mark.parametrize("path", ["allocations/order-1", f"availability/{KIT}", "batches/B-1"])
async def test_a_view_that_does_not_catch_up_is_shown_as_it_is_and_says_so(inventory: InventoryApi, path: str) -> None:
    await post(inventory)
    await inventory.take_in()
    await inventory.use_cases.inventory.cancel_order("order-1")
    shown = await inventory.api("GET", f"/v1/{path}", headers={"Prefer": "wait=20ms"})

    assert (shown.status_code, shown.json()["caught_up"]) == (200, False)
    assert "Preference-Applied" not in shown.headers
    later = await inventory.api("GET", f"/v1/{path}?at_least={KIT}:3", headers={"Prefer": "wait=20ms"})
    assert (later.json()["caught_up"], later.headers["Preference-Applied"]) == (True, "wait")


@pytest.mark.parametrize(
    ("prefer", "understood"),
    [
        ("wait=20ms", True),
        ("WAIT = 0", True),
        ('respond-async, wait="0"', True),
        ("wait=0; foo=bar, return=minimal", True),
        ("handling=lenient;wait=0", False),
        ("wait", False),
        ("wait=", False),
        ("wait=-1", False),
        ("wait=1.5", False),
        ('wait="1', False),
        ("wait=10000000000", False),
        ("wait=5s", False),
        ("await=3", False),
        ("respond-async", False),
        ("", False),
    ],
)
async def test_a_preference_that_is_not_understood_is_ignored(
    inventory: InventoryApi, prefer: str, understood: bool
) -> None:
    shown = await inventory.api("GET", f"/v1/availability/{KIT}", headers={"Prefer": prefer})

    assert (shown.status_code, shown.json()["caught_up"]) == (200, True if understood else None)
    assert shown.headers.get("Preference-Applied") == ("wait" if understood else None)
