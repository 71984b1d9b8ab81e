"""The contract of `StockProjection`, `StockViews`, `StoredVersions` and `ProjectionProgress`, for every adapter."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from config.container import Application
from core.inventory.freshness import Freshness
from core.inventory.order_line import LineState
from core.inventory.views import StockDelta
from entrypoints.messages.inventory import decode_stock_event
from tests.databases import statements
from tests.examples import NOON, StoppedClock
from tests.inventory_harness import KIT, InventoryHarness
from tests.units_of_work import any_work

JANUARY, MARCH = date(2027, 1, 15), date(2027, 3, 1)


@pytest.fixture
def inventory(stored: Application) -> InventoryHarness:
    stored.process.clock.override(StoppedClock())
    return InventoryHarness(stored)


async def busy(inventory: InventoryHarness) -> None:
    """Cause every type of stock event."""
    await inventory.buy("B-1", 10)
    await inventory.buy("B-2", 5, eta=MARCH)
    await inventory.buy("B-3", 7, sku="GOWN")
    for number in range(8):
        await inventory.allocate(f"order-{number}", number + 1, wait=True, split=number % 2 == 0)
    await inventory.allocate("order-1", 2, sku="GOWN", hold_until=NOON + timedelta(hours=1))
    await inventory.allocate("order-1", 2, sku="GOWN", hold_until=NOON + timedelta(hours=2))
    await inventory.use_cases.inventory.change_batch_quantity("B-1", 3)
    await inventory.use_cases.inventory.change_arrival("B-2", JANUARY, inventory.request)
    await inventory.use_cases.inventory.ship_order("order-0")
    await inventory.deallocate("order-2")
    await inventory.use_cases.inventory.cancel_order("order-1")
    await inventory.buy("B-4", 4, eta=MARCH)


async def everything(inventory: InventoryHarness) -> tuple[Any, ...]:
    """Return the contents of all views."""
    orders = [await inventory.lines(f"order-{number}") for number in range(8)]
    batches = [await inventory.application.inventory.stock_views().batch(f"B-{number}") for number in range(1, 5)]
    return orders, batches, [await inventory.application.inventory.stock_views().sku(sku) for sku in (KIT, "GOWN")]


async def test_what_is_seen_is_what_is_stored(inventory: InventoryHarness) -> None:
    await busy(inventory)
    await inventory.take_in()

    async with any_work(inventory.application) as work:
        for number in range(8):
            stored = {line.sku: line for line in await work.order_lines.of_order(f"order-{number}")}
            assert await inventory.lines(f"order-{number}") == stored
        for sku in (await work.skus.lock([KIT, "GOWN"], include_depleted=True)).values():
            for batch in sku.stock.batches.values():
                seen = await inventory.application.inventory.stock_views().batch(batch.reference)
                assert (seen.purchased, seen.available, seen.allocated) == (
                    batch.purchased,
                    batch.available,
                    batch.allocated,
                )
                assert (seen.sku, seen.shipped, seen.eta) == (sku.name, batch.shipped, batch.eta)
            assert await inventory.application.inventory.projection_progress().version(sku.name) == sku.version


@pytest.mark.parametrize("seed", range(4))
async def test_events_that_come_again_or_in_another_order_change_nothing(
    inventory: InventoryHarness, seed: int
) -> None:
    await busy(inventory)
    events = [decode_stock_event(message) for message in await inventory.announced()]
    project = inventory.use_cases.inventory.project_stock
    await project(events)
    right = await everything(inventory)

    await project(events[:3])
    await project(events)
    assert await everything(inventory) == right

    generation = await inventory.application.messaging.projections().begin_rebuild("inventory", 60)
    shuffled = random.Random(seed)
    twice = [*events, *events]
    shuffled.shuffle(twice)
    while twice:
        await project(twice[:5], generation)
        del twice[:5]
    await inventory.application.messaging.projections().promote("inventory", generation)
    assert await everything(inventory) == right


async def test_a_line_that_an_order_has_no_longer_says_what_became_of_it(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    await inventory.allocate("order-1", 4)
    await inventory.deallocate("order-1")
    await inventory.take_in()

    line = (await inventory.lines("order-1"))[KIT]
    assert (line.state, line.parts, line.version) == (LineState.DEALLOCATED, (), 3)


async def test_only_batches_that_have_something_left_are_shown_as_they_arrive(inventory: InventoryHarness) -> None:
    for reference, quantity, eta in (("late", 3, MARCH), ("b", 5, JANUARY), ("a", 5, JANUARY), ("here", 2, None)):
        await inventory.buy(reference, quantity, eta=eta)
    await inventory.allocate("order-1", 2)
    await inventory.take_in()

    view = await inventory.application.inventory.stock_views().sku(KIT)
    assert view is not None
    assert [(each.reference, each.available) for each in view.batches] == [("a", 5), ("b", 5), ("late", 3)]
    assert view.version == 5


async def test_a_sold_out_sku_is_known_and_an_unused_name_is_unknown(inventory: InventoryHarness) -> None:
    await inventory.allocate("order-1", 2, wait=True)
    await inventory.take_in()

    view = await inventory.application.inventory.stock_views().sku(KIT)
    assert (view and view.version, view and list(view.batches)) == (2, [])
    assert await inventory.application.inventory.stock_views().sku("GOWN") is None
    assert await inventory.application.inventory.stock_views().batch("B-1") is None
    assert await inventory.application.inventory.stock_views().order("order-2") == []


async def test_names_that_differ_in_case_or_by_a_blank_are_different(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    await inventory.allocate("order-1")
    await inventory.take_in()

    for name in ("Order-1", "order-1 ", "órder-1"):
        assert await inventory.application.inventory.stock_views().order(name) == []


async def test_versions_tell_what_is_stored_and_what_is_seen_of_it(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    await inventory.buy("B-2", sku="GOWN")
    await inventory.allocate("order-1")
    await inventory.allocate("order-1", sku="GOWN")
    await inventory.allocate("order-2")
    written, seen = (
        inventory.application.inventory.stored_versions(),
        inventory.application.inventory.projection_progress(),
    )

    assert await written.of_order("order-1") == {KIT: 2, "GOWN": 2}
    assert (await written.of_sku(KIT), await written.of_batch("B-1")) == ({KIT: 3}, {KIT: 3})
    assert [await ask("x") for ask in (written.of_order, written.of_sku, written.of_batch)] == [{}, {}, {}]
    assert [await seen.version(sku) for sku in (KIT, "GOWN", "x")] == [0, 0, 0]
    await inventory.take_in()
    assert [await seen.version(sku) for sku in (KIT, "GOWN", "x")] == [3, 2, 0]


async def test_the_oldest_event_that_is_missing_is_found_in_whichever_sku_it_is(inventory: InventoryHarness) -> None:
    clock, seen = inventory.application.process.clock(), inventory.application.inventory.projection_progress()
    assert await seen.oldest_unprojected_at() is None
    for number in range(3):
        await inventory.buy(f"B-{number}", sku=f"SKU-{number}")
        clock.pass_by(timedelta(seconds=1))
    assert await seen.oldest_unprojected_at() == NOON

    events = await inventory.announced()
    await inventory.take_in([events[0], events[2]])
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=1)
    await inventory.allocate("order-1", sku="SKU-0")
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=1)
    await inventory.take_in([events[1]])
    clock.pass_by(timedelta(seconds=1))
    await inventory.deallocate("order-1", sku="SKU-0")
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=3)
    await inventory.take_in()
    assert await seen.oldest_unprojected_at() is None


async def test_what_is_not_committed_is_not_seen(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    news = StockDelta.of([decode_stock_event(message) for message in await inventory.announced()])
    async with any_work(inventory.application) as work:
        work.stock_projection.put(1, news)

    assert await inventory.application.inventory.stock_views().sku(KIT) is None


async def test_subscribers_are_signalled_when_the_views_change(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    rung = inventory.application.process.signals().listen("sku_views")
    await inventory.take_in()

    assert rung.is_set()


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_whether_an_order_of_many_skus_is_seen_is_asked_of_many_at_once(
    inventory: InventoryHarness, stored: Application
) -> None:
    for number in range(20):
        await inventory.allocate("order-1", sku=f"S-{number}", wait=True)
    show = inventory.use_cases.inventory.show_allocations
    everything = await inventory.announced()
    await inventory.take_in(everything[:-2])  # the last line, and its shortage
    assert not (await show("order-1", Freshness(seconds=0))).caught_up
    await inventory.take_in(everything[-2:])
    asked = statements(stored)

    assert (await show("order-1", Freshness(seconds=0))).caught_up
    assert 0 < len(asked) < 10
