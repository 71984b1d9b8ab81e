"""Reads of the stock views, and how long they wait for a required version."""

import asyncio
from datetime import date
from typing import Any

import pytest

from core.inventory.errors import UnknownBatch, UnknownOrder, UnknownSku
from core.inventory.freshness import Freshness, SkuVersion
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from core.kernel.errors import Invalid
from tests.applications import an_application
from tests.examples import StoppedClock
from tests.inventory_harness import ANY_FRESHNESS, KIT, InventoryHarness

JANUARY, MARCH = date(2027, 1, 15), date(2027, 3, 1)


@pytest.fixture
async def inventory() -> InventoryHarness:
    application = an_application()
    application.process.clock.override(StoppedClock())
    inventory = InventoryHarness(application)
    await inventory.buy("B-1", 10)
    await inventory.buy("B-2", 20, eta=JANUARY)
    await inventory.buy("B-3", 5, eta=JANUARY)
    await inventory.buy("B-4", 7, eta=MARCH)
    await inventory.take_in()
    return inventory


async def show(inventory: InventoryHarness, order: str, freshness: Freshness = ANY_FRESHNESS) -> OrderAllocations:
    shown: OrderAllocations = await inventory.use_cases.inventory.show_allocations(order, freshness)
    return shown


async def availability(
    inventory: InventoryHarness, on: date | None = None, freshness: Freshness = ANY_FRESHNESS
) -> Availability:
    shown: Availability = await inventory.use_cases.inventory.show_availability(KIT, on, freshness)
    return shown


def seconds() -> float:
    return asyncio.get_running_loop().time()


async def test_an_order_is_shown_with_its_batches_and_what_was_passed_over(inventory: InventoryHarness) -> None:
    await inventory.allocate("order-1", 15)
    await inventory.take_in()

    shown = await show(inventory, "order-1")

    [line] = shown.lines
    assert (shown.order, line.sku, [part.batch for part in line.parts]) == ("order-1", KIT, ["B-2"])
    assert [each.batch for each in line.passed_over] == ["B-1"]
    assert (line.why != "", shown.caught_up) == (True, None)


@pytest.mark.parametrize(
    ("on", "pieces"), [(None, 42), (date(2027, 1, 14), 10), (JANUARY, 35), (date(2027, 2, 28), 35), (MARCH, 42)]
)
async def test_there_is_on_a_day_what_is_in_the_warehouse_and_what_arrives_until_then(
    inventory: InventoryHarness, on: date | None, pieces: int
) -> None:
    shown = await availability(inventory, on)

    assert (shown.pieces, shown.on) == (pieces, on)
    assert [(each.on, each.pieces) for each in shown.arrivals] == [(None, 10), (JANUARY, 35), (MARCH, 42)]
    assert [batch.reference for batch in shown.batches] == ["B-1", "B-2", "B-3", "B-4"]


async def test_what_belongs_to_an_order_is_not_available(inventory: InventoryHarness) -> None:
    await inventory.allocate("order-1", 10)
    await inventory.take_in()

    shown = await availability(inventory, date(2027, 1, 1))
    assert (shown.pieces, shown.version) == (0, 5)
    assert (await availability(inventory)).pieces == 32


async def test_an_unknown_order_sku_or_batch_is_refused(inventory: InventoryHarness) -> None:
    with pytest.raises(UnknownOrder):
        await show(inventory, "order-1")
    with pytest.raises(UnknownSku):
        await inventory.use_cases.inventory.show_availability("GOWN", None, ANY_FRESHNESS)
    with pytest.raises(UnknownBatch):
        await inventory.use_cases.inventory.show_batch("B-9", ANY_FRESHNESS)


async def test_a_read_without_a_freshness_demand_does_not_wait(inventory: InventoryHarness) -> None:
    await inventory.allocate("order-1")

    with pytest.raises(UnknownOrder):
        await show(inventory, "order-1")
    assert seconds() == 0


@pytest.mark.parametrize("freshness", [Freshness(seconds=2), Freshness(at_least=SkuVersion(KIT, 5))])
async def test_a_client_reads_its_own_write_as_soon_as_it_is_projected(
    inventory: InventoryHarness, freshness: Freshness
) -> None:
    line = await inventory.allocate("order-1")
    looking = asyncio.create_task(show(inventory, "order-1", freshness))
    await asyncio.sleep(0.3)
    await inventory.take_in()
    shown = await looking

    assert (shown.lines, shown.caught_up) == ([line], True)
    assert seconds() < 0.301  # a signal ended the wait


@pytest.mark.parametrize("freshness", [Freshness(seconds=2), Freshness(at_least=SkuVersion(KIT, 6), seconds=2)])
async def test_a_write_of_another_process_is_seen_by_polling(
    inventory: InventoryHarness, freshness: Freshness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await inventory.allocate("order-1")
    line = await inventory.deallocate("order-1")
    inventory.application.process.signals().notify = lambda _: None
    looking = asyncio.create_task(show(inventory, "order-1", freshness))
    await asyncio.sleep(1)
    await inventory.take_in()
    shown = await looking

    assert (shown.lines, shown.caught_up) == ([line], True)
    assert seconds() < 1.3


@pytest.mark.parametrize(
    ("freshness", "until"),
    [
        (Freshness(seconds=0), 0),
        (Freshness(seconds=0.5), 0.5),
        (Freshness(seconds=3_600), 5),
        (Freshness(at_least=SkuVersion(KIT, 5)), 1),
        (Freshness(at_least=SkuVersion(KIT, 5), seconds=0.5), 0.5),
        (Freshness(at_least=SkuVersion("GOWN", 1), seconds=2), 2),
    ],
)
async def test_a_read_times_out_and_returns_the_stale_view(
    inventory: InventoryHarness, freshness: Freshness, until: float
) -> None:
    await inventory.allocate("order-1")
    await inventory.take_in()
    await inventory.deallocate("order-1")
    if freshness.at_least:
        freshness = Freshness(at_least=freshness.at_least._replace(version=6), seconds=freshness.seconds)

    shown = await show(inventory, "order-1", freshness)

    assert (shown.caught_up, [line.state for line in shown.lines]) == (False, ["allocated"])
    assert seconds() == pytest.approx(until, abs=0.01)


async def test_what_is_not_seen_in_time_is_told_with_a_word_that_it_may_come(inventory: InventoryHarness) -> None:
    await inventory.allocate("order-1")

    with pytest.raises(UnknownOrder, match="does not contain the required version"):
        await show(inventory, "order-1", Freshness(seconds=0.1))
    with pytest.raises(UnknownOrder) as caught:
        await show(inventory, "order-9", Freshness(seconds=0.1))
    assert "does not contain the required version" not in str(caught.value)


async def test_a_fresh_read_waits_for_every_sku_of_the_order_and_no_other(inventory: InventoryHarness) -> None:
    await inventory.buy("G-1", sku="GOWN")
    await inventory.allocate("order-1")
    await inventory.take_in()
    before = await inventory.announced()
    await inventory.allocate("order-2")
    assert (await show(inventory, "order-1", Freshness(seconds=1))).caught_up
    assert not (await availability(inventory, None, Freshness(seconds=0))).caught_up

    await inventory.allocate("order-1", sku="GOWN")
    assert not (await show(inventory, "order-1", Freshness(seconds=0))).caught_up
    await inventory.take_in((await inventory.announced(before))[1:])
    assert (await show(inventory, "order-1", Freshness(seconds=0))).caught_up
    await inventory.take_in()
    assert (await availability(inventory, None, Freshness(seconds=0))).caught_up


async def test_a_batch_is_seen_as_new_as_its_sku_is_stored(inventory: InventoryHarness) -> None:
    await inventory.use_cases.inventory.change_batch_quantity("B-1", 8)
    show_batch = inventory.use_cases.inventory.show_batch

    seen: list[Any] = [await show_batch("B-1", Freshness(seconds=0))]
    await inventory.take_in()
    seen.append(await show_batch("B-1", Freshness(seconds=0)))

    assert [(each.batch.purchased, each.caught_up) for each in seen] == [(10, False), (8, True)]


@pytest.mark.parametrize("token", ["", "17", ":17", "KIT:", "KIT:-1", "KIT:1.5", "KIT:1234567890", "KIT 17", "KIT:١"])
def test_a_token_of_another_form_is_refused(token: str) -> None:
    with pytest.raises(Invalid) as caught:
        SkuVersion.read(token)
    assert caught.value.at == "$.at_least"


def test_the_name_of_a_sku_may_have_colons() -> None:
    assert SkuVersion.read("SU:KIT:2026:17") == ("SU:KIT:2026", 17)
