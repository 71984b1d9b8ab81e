"""What every adapter of `StockProjection`, `StockViews`, `StoredVersions` and `ProjectionProgress` promises."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from config.container import Application
from core.inventory.freshness import Freshness
from core.inventory.order_line import LineState
from core.inventory.views import StockDelta
from entrypoints.messages.stock_events import decode_stock_event
from tests.databases import statements
from tests.examples import NOON, StoppedClock
from tests.inventory_harness import KIT, Stores

JANUARY, MARCH = date(2027, 1, 15), date(2027, 3, 1)


@pytest.fixture
def stores(stored: Application) -> Stores:
    stored.driven.clock.override(StoppedClock())
    return Stores(stored)


async def busy(stores: Stores) -> None:
    """Let everything happen that stores have events for."""
    await stores.buy("B-1", 10)
    await stores.buy("B-2", 5, eta=MARCH)
    await stores.buy("B-3", 7, sku="GOWN")
    for number in range(8):
        await stores.allocate(f"order-{number}", number + 1, wait=True, split=number % 2 == 0)
    await stores.allocate("order-1", 2, sku="GOWN", hold_until=NOON + timedelta(hours=1))
    await stores.allocate("order-1", 2, sku="GOWN", hold_until=NOON + timedelta(hours=2))
    await stores.use_cases["change_batch_quantity"]()("B-1", 3)
    await stores.use_cases["change_arrival"]()("B-2", JANUARY, stores.request)
    await stores.use_cases["ship_order"]()("order-0")
    await stores.deallocate("order-2")
    await stores.use_cases["cancel_order"]()("order-1")
    await stores.buy("B-4", 4, eta=MARCH)


async def everything(stores: Stores) -> tuple[Any, ...]:
    """Return all that is seen."""
    orders = [await stores.lines(f"order-{number}") for number in range(8)]
    batches = [await stores.driven.stock_views().batch(f"B-{number}") for number in range(1, 5)]
    return orders, batches, [await stores.driven.stock_views().sku(sku) for sku in (KIT, "GOWN")]


async def test_what_is_seen_is_what_is_stored(stores: Stores) -> None:
    await busy(stores)
    await stores.take_in()

    async with stores.driven.new_work() as work:
        for number in range(8):
            stored = {line.sku: line for line in await work.order_lines.of_order(f"order-{number}")}
            assert await stores.lines(f"order-{number}") == stored
        for sku in (await work.skus.hold([KIT, "GOWN"], whole=True)).values():
            for batch in sku.stock.batches.values():
                seen = await stores.driven.stock_views().batch(batch.reference)
                assert (seen.purchased, seen.available, seen.allocated) == (
                    batch.purchased,
                    batch.available,
                    batch.allocated,
                )
                assert (seen.sku, seen.shipped, seen.eta) == (sku.name, batch.shipped, batch.eta)
            assert await stores.driven.projection_progress().version(sku.name) == sku.version


@pytest.mark.parametrize("seed", range(4))
async def test_events_that_come_again_or_in_another_order_change_nothing(stores: Stores, seed: int) -> None:
    await busy(stores)
    events = [decode_stock_event(message) for message in await stores.announced()]
    project = stores.use_cases["project_stock"]()
    await project(events)
    right = await everything(stores)

    await project(events[:3])
    await project(events)
    assert await everything(stores) == right

    generation = await stores.driven.projections().begin("inventory", 60)
    shuffled = random.Random(seed)
    twice = [*events, *events]
    shuffled.shuffle(twice)
    while twice:
        await project(twice[:5], generation)
        del twice[:5]
    await stores.driven.projections().promote("inventory", generation)
    assert await everything(stores) == right


async def test_a_line_that_an_order_has_no_longer_says_what_became_of_it(stores: Stores) -> None:
    await stores.buy("B-1")
    await stores.allocate("order-1", 4)
    await stores.deallocate("order-1")
    await stores.take_in()

    line = (await stores.lines("order-1"))[KIT]
    assert (line.state, line.parts, line.version) == (LineState.DEALLOCATED, (), 3)


async def test_only_batches_that_have_something_left_are_shown_as_they_arrive(stores: Stores) -> None:
    for reference, quantity, eta in (("late", 3, MARCH), ("b", 5, JANUARY), ("a", 5, JANUARY), ("here", 2, None)):
        await stores.buy(reference, quantity, eta=eta)
    await stores.allocate("order-1", 2)
    await stores.take_in()

    view = await stores.driven.stock_views().sku(KIT)
    assert view is not None
    assert [(each.reference, each.available) for each in view.batches] == [("a", 5), ("b", 5), ("late", 3)]
    assert view.version == 5


async def test_a_sold_out_sku_is_known_and_an_unused_name_is_unknown(stores: Stores) -> None:
    await stores.allocate("order-1", 2, wait=True)
    await stores.take_in()

    view = await stores.driven.stock_views().sku(KIT)
    assert (view and view.version, view and list(view.batches)) == (2, [])
    assert await stores.driven.stock_views().sku("GOWN") is None
    assert await stores.driven.stock_views().batch("B-1") is None
    assert await stores.driven.stock_views().order("order-2") == []


async def test_names_that_differ_in_case_or_by_a_blank_are_different(stores: Stores) -> None:
    await stores.buy("B-1")
    await stores.allocate("order-1")
    await stores.take_in()

    for name in ("Order-1", "order-1 ", "órder-1"):
        assert await stores.driven.stock_views().order(name) == []


async def test_versions_tell_what_is_stored_and_what_is_seen_of_it(stores: Stores) -> None:
    await stores.buy("B-1")
    await stores.buy("B-2", sku="GOWN")
    await stores.allocate("order-1")
    await stores.allocate("order-1", sku="GOWN")
    await stores.allocate("order-2")
    written, seen = stores.driven.stored_versions(), stores.driven.projection_progress()

    assert await written.of_order("order-1") == {KIT: 2, "GOWN": 2}
    assert (await written.of_sku(KIT), await written.of_batch("B-1")) == ({KIT: 3}, {KIT: 3})
    assert [await ask("x") for ask in (written.of_order, written.of_sku, written.of_batch)] == [{}, {}, {}]
    assert [await seen.version(sku) for sku in (KIT, "GOWN", "x")] == [0, 0, 0]
    await stores.take_in()
    assert [await seen.version(sku) for sku in (KIT, "GOWN", "x")] == [3, 2, 0]


async def test_the_oldest_event_that_is_missing_is_found_in_whichever_sku_it_is(stores: Stores) -> None:
    clock, seen = stores.driven.clock(), stores.driven.projection_progress()
    assert await seen.oldest_unprojected_at() is None
    for number in range(3):
        await stores.buy(f"B-{number}", sku=f"SKU-{number}")
        clock.pass_by(timedelta(seconds=1))
    assert await seen.oldest_unprojected_at() == NOON

    events = await stores.announced()
    await stores.take_in([events[0], events[2]])
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=1)
    await stores.allocate("order-1", sku="SKU-0")
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=1)
    await stores.take_in([events[1]])
    clock.pass_by(timedelta(seconds=1))
    await stores.deallocate("order-1", sku="SKU-0")
    assert await seen.oldest_unprojected_at() == NOON + timedelta(seconds=3)
    await stores.take_in()
    assert await seen.oldest_unprojected_at() is None


async def test_what_is_not_committed_is_not_seen(stores: Stores) -> None:
    await stores.buy("B-1")
    news = StockDelta.of([decode_stock_event(message) for message in await stores.announced()])
    async with stores.driven.new_work() as work:
        work.stock_projection.put(1, news)

    assert await stores.driven.stock_views().sku(KIT) is None


async def test_subscribers_are_signalled_when_the_views_change(stores: Stores) -> None:
    await stores.buy("B-1")
    rung = stores.driven.signals().listen("sku_views")
    await stores.take_in()

    assert rung.is_set()


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_whether_an_order_of_many_skus_is_seen_is_asked_of_many_at_once(
    stores: Stores, stored: Application
) -> None:
    for number in range(20):
        await stores.allocate("order-1", sku=f"S-{number}", wait=True)
    show = stores.use_cases["show_allocations"]()
    everything = await stores.announced()
    await stores.take_in(everything[:-2])  # the last line, and that it ran short
    assert not (await show("order-1", Freshness(seconds=0))).caught_up
    await stores.take_in(everything[-2:])
    asked = statements(stored)

    assert (await show("order-1", Freshness(seconds=0))).caught_up
    assert 0 < len(asked) < 10
