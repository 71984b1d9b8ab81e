"""The contract of `Skus`, `OrderLines` and `InventoryBacklog`, for every adapter."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest

from config.container import Application
from core.inventory.allocate_lines import AllocateLines
from core.inventory.create_batch import CreateBatch, Purchase
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile, OutOfStock
from core.inventory.events import DeallocationReason
from core.inventory.order_line import AllocationDemand, AllocationRequest, LineState, OrderLine
from core.inventory.ports import LineKey, NewInventoryWork
from core.inventory.sku import Sku, SkuId
from core.kernel.idempotency import RequestContext
from tests.examples import NOON, StoppedClock, a_message, ids
from tests.unit.inventory.harness import KIT, TODAY, ZONE, InventoryHarness, a_request, taken
from tests.units_of_work import any_work

HOUR = timedelta(hours=1)
SOON = TODAY + timedelta(days=3)
NO_LIMIT = 1_000


@pytest.fixture
def inventory(stored: Application) -> InventoryHarness:
    return InventoryHarness(partial(any_work, stored), stored.inventory.inventory_backlog(), stored.messaging.outbox())


async def latest_allocated_from(inventory: InventoryHarness, batch: str, limit: int = NO_LIMIT) -> list[str]:
    async with inventory.new_work() as work:
        return [line.order for line in await work.order_lines.latest_allocated_from(batch, limit)]


async def waiting(inventory: InventoryHarness, after: int = 0, limit: int = NO_LIMIT) -> list[str]:
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        return [line.order for line in await work.order_lines.backorders(sku, after, limit)]


async def fetched(inventory: InventoryHarness, *keys: LineKey) -> dict[LineKey, OrderLine]:
    async with inventory.new_work() as work:
        skus = await work.skus.lock({key.sku for key in keys})
        await work.order_lines.load(skus.values(), keys)
        return {LineKey(sku.name, order): line for sku in skus.values() for order, line in sku.lines.items()}


async def test_a_sku_comes_back_as_it_was(inventory: InventoryHarness) -> None:
    await inventory.buy("ship", 5, SOON)
    await inventory.buy("shelf", 3)
    await inventory.order("o-1", 2)
    await inventory.ship("o-1")
    await inventory.order("o-2", 9, wait=True)
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        told = [event.version for event in sku.begin_shortage("o", 1, NOON)]
        ship, stock = sku.stock.batches["ship"], sku.stock.batches["shelf"]

    assert (sku.version, sku.waiting, sku.short, sku.unserved, told) == (6, 1, True, False, [])
    assert (ship.purchased, ship.allocated, ship.shipped, ship.eta, ship.number) == (5, 0, 0, SOON, 1)
    assert (stock.purchased, stock.allocated, stock.shipped, stock.eta, stock.number) == (3, 2, 2, None, 2)


async def test_a_sku_is_locked_with_its_remaining_batches_or_with_all(inventory: InventoryHarness) -> None:
    await inventory.buy("gone", 2)
    await inventory.order("o-0", 2)
    await inventory.ship("o-0")
    await inventory.buy("empty", 2)
    await inventory.order("o-1", 2)
    await inventory.buy("shelf", 5)
    async with inventory.new_work() as work:
        parted, whole = await work.skus.lock([KIT]), await work.skus.lock([KIT], include_depleted=True)
        by_batch, history = await work.skus.lock_batch("empty"), await work.skus.lock_batch("gone")

    assert list(parted[KIT].stock.batches) == ["shelf"]
    assert set(whole[KIT].stock.batches) == {"shelf", "empty"}
    assert by_batch is not None
    assert (by_batch.name, by_batch.stock.batches) == (KIT, whole[KIT].stock.batches)
    assert history is not None
    assert history.stock.batches.keys() == {"gone", "shelf", "empty"}


async def test_an_unknown_sku_is_not_locked(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    async with inventory.new_work() as work:
        assert (await work.skus.lock([KIT, "GOWN", KIT.lower()])).keys() == {KIT}
        assert await work.skus.lock([]) == {}
        assert await work.skus.lock_batch("rail") is None
        assert await work.skus.lock_batch("SHELF") is None


async def test_several_skus_have_their_own_batches(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.buy("rail", 6, sku="GOWN")
    async with inventory.new_work() as work:
        held = await work.skus.lock(["GOWN", KIT])

    assert {name: set(sku.stock.batches) for name, sku in held.items()} == {KIT: {"shelf"}, "GOWN": {"rail"}}


async def test_saving_a_partially_loaded_sku_leaves_its_other_batches_unchanged(inventory: InventoryHarness) -> None:
    await inventory.buy("empty", 2)
    await inventory.order("o-1", 2)
    await inventory.buy("shelf", 5)
    await inventory.order("o-2", 1)

    assert [await inventory.left("empty"), await inventory.left("shelf")] == [0, 4]
    assert taken(await inventory.line("o-1")) == {"empty": 2}


async def test_a_line_comes_back_as_it_was(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("ship", 5, SOON)
    whole = await inventory.order("o-1", 4, priority=9, hold_until=NOON + HOUR + timedelta(microseconds=1))
    split = await inventory.order("o-2", 4, split=True)
    queued = await inventory.order("o-3", 4, wait=True)
    found = await fetched(inventory, *(LineKey(KIT, order) for order in ("o-1", "o-2", "o-3")))

    assert list(found.values()) == [whole, split, queued]
    assert whole.passed_over
    assert len(split.parts) == 2


async def test_lines_are_loaded_into_the_skus_that_request_them(inventory: InventoryHarness) -> None:
    for sku in (KIT, "GOWN"):
        await inventory.buy(f"of-{sku}", sku=sku)
        for order in ("o-1", "o-2", "o-3"):
            await inventory.order(order, sku=sku)
    wanted = {LineKey(KIT, "o-1"), LineKey("GOWN", "o-2")}

    assert (await fetched(inventory, *wanted, LineKey(KIT, "o-9"), LineKey("HAT", "o-1"))).keys() == wanted
    async with inventory.new_work() as work:
        gowns = await work.skus.lock(["GOWN"])
        await work.order_lines.load(gowns.values(), [LineKey(KIT, "o-1"), LineKey("GOWN", "o-3")])
    assert set(gowns["GOWN"].lines) == {"o-3"}


async def test_an_order_has_all_its_lines_whatever_became_of_them(inventory: InventoryHarness) -> None:
    for number, sku in enumerate(["HAT", KIT, "GOWN"]):
        await inventory.buy(f"b-{number}", sku=sku)
        await inventory.order("o-1", sku=sku)
        await inventory.order("o-10", sku=sku)
    await inventory.deallocate_line("o-1", "HAT")
    async with inventory.new_work() as work:
        lines = await work.order_lines.of_order("o-1")
        none = await work.order_lines.of_order("o")

    assert [(line.sku, line.state) for line in lines] == [
        ("GOWN", LineState.ALLOCATED),
        ("HAT", LineState.DEALLOCATED),
        (KIT, LineState.ALLOCATED),
    ]
    assert none == []


async def test_the_lines_of_a_batch_come_by_priority_and_then_by_age(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 20)
    await inventory.buy("other", 20, sku="GOWN")
    for order, priority in {"o-1": 5, "o-2": 9, "o-3": 0, "o-4": 9, "o-5": 5}.items():
        await inventory.order(order, priority=priority)
    await inventory.order("o-6", sku="GOWN", priority=9)

    assert await latest_allocated_from(inventory, "shelf") == ["o-4", "o-2", "o-5", "o-1", "o-3"]
    assert await latest_allocated_from(inventory, "shelf", 2) == ["o-4", "o-2"]
    assert await latest_allocated_from(inventory, "SHELF") == []


async def test_a_batch_lists_only_lines_with_unshipped_allocations(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 4)
    await inventory.buy("second", 4)
    await inventory.order("split", 6, split=True)
    await inventory.order("gone")
    await inventory.ship("gone")
    await inventory.order("over")
    await inventory.deallocate_line("over")
    await inventory.order("waits", 9, wait=True)

    assert [await latest_allocated_from(inventory, "first"), await latest_allocated_from(inventory, "second")] == [
        ["split"],
        ["split"],
    ]


async def test_a_line_that_moved_is_in_its_new_batch_alone(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 4)
    await inventory.order("o-1", 4)
    await inventory.buy("second", 4)
    await inventory.change_quantity("first", 0)
    assert [await latest_allocated_from(inventory, "first"), await latest_allocated_from(inventory, "second")] == [
        [],
        ["o-1"],
    ]

    await inventory.deallocate_line("o-1")
    await inventory.change_quantity("first", 4)
    await inventory.order("o-1", 3)
    assert [await latest_allocated_from(inventory, "first"), await latest_allocated_from(inventory, "second")] == [
        ["o-1"],
        [],
    ]


async def test_a_reallocated_line_is_listed_in_its_batch_again(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 6)
    await inventory.order("small", 2)
    await inventory.order("large", 4)
    await inventory.change_quantity("shelf", 5)
    assert await latest_allocated_from(inventory, "shelf") == ["small"]

    await inventory.change_quantity("shelf", 6)
    assert await latest_allocated_from(inventory, "shelf") == ["large", "small"]


async def test_backorders_are_listed_oldest_first_from_a_position(inventory: InventoryHarness) -> None:
    await inventory.buy("other", 1, sku="GOWN")
    for order in ("o-3", "o-1", "o-2", "o-4"):
        await inventory.order(order, 2, wait=True)
    await inventory.order("o-5", 2, sku="GOWN", wait=True)
    places = {order: (await inventory.line(order)).place for order in ("o-3", "o-1", "o-2", "o-4")}
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        sku.create_batch("shelf", 5, None, NOON)
        backorders = await work.order_lines.backorders(sku, 0, NO_LIMIT)
        some = await work.order_lines.backorders(sku, places["o-3"], 2)

    assert [line.order for line in backorders] == ["o-3", "o-1", "o-2", "o-4"]
    assert [line.order for line in some] == ["o-1", "o-2"]


async def test_only_backorders_the_remaining_stock_can_serve_are_listed(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 3)
    await inventory.buy("second", 2)
    for quantity in (1, 3, 4, 5, 6):
        await inventory.order(f"whole-{quantity}", quantity + 10, wait=True)
        await inventory.order(f"split-{quantity}", quantity + 10, wait=True, split=True)
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        sku.resize("first", 13, NOON)
        found = await work.order_lines.backorders(sku, 0, NO_LIMIT)

    assert [line.order for line in found] == ["whole-1", "split-1", "whole-3", "split-3", "split-4", "split-5"]


async def test_a_served_or_cancelled_line_is_no_backorder(inventory: InventoryHarness) -> None:
    for order in ("o-1", "o-2", "o-3", "o-4"):
        await inventory.order(order, 2, wait=True)
    await inventory.deallocate_line("o-1")
    await inventory.buy("shelf", 3)
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        sku.create_batch("more", 5, None, NOON)
        found = await work.order_lines.backorders(sku, 0, NO_LIMIT)

    assert [line.order for line in found] == ["o-3", "o-4"]


async def test_holds_that_expired_first_are_listed_first(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    for order, hours in {"o-1": 2, "o-2": 1, "o-3": 3, "o-4": 4}.items():
        await inventory.order(order, hold_until=NOON + hours * HOUR)
    await inventory.order("waits", 9, wait=True, hold_until=NOON + 2.5 * HOUR)
    await inventory.order("stays")

    def keys(*orders: str) -> list[LineKey]:
        return [LineKey(KIT, order) for order in orders]

    over = NOON + 3 * HOUR
    assert list(await inventory.inventory_backlog.expired_holds(over, NO_LIMIT)) == keys("o-2", "o-1", "waits", "o-3")
    assert list(await inventory.inventory_backlog.expired_holds(over, 2)) == keys("o-2", "o-1")
    assert list(await inventory.inventory_backlog.expired_holds(NOON, NO_LIMIT)) == []


async def test_a_line_in_a_final_state_does_not_expire(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    for order in ("gone", "back", "kept"):
        await inventory.order(order, hold_until=NOON + HOUR)
    await inventory.ship("gone")
    await inventory.deallocate_line("back")
    await inventory.order("kept", hold_until=NOON + 10 * HOUR)

    assert list(await inventory.inventory_backlog.expired_holds(NOON + 9 * HOUR, NO_LIMIT)) == []


async def test_skus_with_unserved_backorders_are_listed_by_name(inventory: InventoryHarness) -> None:
    names = ["GOWN", "CAP", KIT]
    for name in [*names, "HAT"]:
        await inventory.order("o-1", sku=name, wait=True)
    async with inventory.new_work() as work:
        for sku in (await work.skus.lock(names)).values():
            sku.create_batch(f"of-{sku.name}", 1, None, NOON)
            work.skus.save(sku)
        await work.commit()

    assert list(await inventory.inventory_backlog.unserved_skus(NO_LIMIT)) == ["CAP", "GOWN", KIT]
    assert list(await inventory.inventory_backlog.unserved_skus(2)) == ["CAP", "GOWN"]
    assert await inventory.serve_backorders() == {"served": 3}
    assert list(await inventory.inventory_backlog.unserved_skus(NO_LIMIT)) == []


async def test_uncommitted_work_never_happened(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    line = await inventory.order("o-1", 2)
    before, _ = await inventory.sku(), await inventory.announced_since()
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT], include_depleted=True))[KIT]
        await work.order_lines.load([sku], [LineKey(KIT, "o-1")])
        work.record(sku.deallocate("o-1", DeallocationReason.CANCELLED, NOON), sku.create_batch("more", 5, None, NOON))
        work.skus.save(sku)
        work.skus.add(Sku(id=SkuId(ids.new()), name="GOWN"))

    after = await inventory.sku()
    assert (after.version, after.stock.batches) == (before.version, before.stock.batches)
    assert await inventory.line("o-1") == line
    assert (await inventory.stored(["GOWN"], []))[0] == {}
    assert await inventory.announced_since() == []


async def test_a_sku_is_opened_once(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    async with inventory.new_work() as work:
        work.skus.add(Sku(id=SkuId(ids.new()), name=KIT))
        with pytest.raises(ChangedMeanwhile):
            await work.commit()

    assert await inventory.left("shelf") == 5


async def test_a_batch_is_created_once(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.buy("rail", 5, sku="GOWN")
    async with inventory.new_work() as work:
        sku = (await work.skus.lock(["GOWN"]))["GOWN"]
        work.record(sku.create_batch("shelf", 7, None, NOON))
        work.skus.save(sku)
        with pytest.raises(BatchAlreadyCreated, match="there is a batch shelf"):
            await work.commit()

    assert set((await inventory.sku("GOWN")).stock.batches) == {"rail"}
    assert await inventory.left("shelf") == 5


async def test_a_transaction_blocked_on_a_sku_lock_sees_the_committed_change(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    async with inventory.new_work() as work:
        sku = (await work.skus.lock([KIT], include_depleted=True))[KIT]
        others = [
            asyncio.create_task(inventory.order("o-2", 4)),
            asyncio.create_task(inventory.change_quantity("shelf", 3)),
        ]
        done, _ = await asyncio.wait(others, timeout=0.2)
        assert not done
        work.record(sku.create_batch("more", 4, None, NOON))
        work.skus.save(sku)
        await work.commit()
    await asyncio.gather(*others)

    assert taken(await inventory.line("o-2")) == {"more": 4} or taken(await inventory.line("o-2")) == {"shelf": 4}
    versions = [told.version for told in await inventory.announced_since()]
    assert versions == list(range(1, len(versions) + 1))


async def test_transactions_locking_several_skus_in_any_order_do_not_deadlock(inventory: InventoryHarness) -> None:
    names = [f"S-{number}" for number in range(6)]
    for name in names:
        await inventory.buy(f"of-{name}", 1_000, sku=name)

    def group(order: str, skus: list[str]) -> Awaitable[object]:
        return inventory.ask(*(AllocationDemand(order=order, sku=sku, quantity=1) for sku in skus))

    await asyncio.gather(*(group(f"o-{n}", names if n % 2 else names[::-1]) for n in range(20)))

    assert {await inventory.left(f"of-{name}", name) for name in names} == {980}


async def test_transactions_creating_several_skus_in_any_order_do_not_deadlock(inventory: InventoryHarness) -> None:
    async def open_all(number: int) -> None:
        for round_ in range(5):
            names = [f"S-{round_}-{each}" for each in range(6)][:: 1 if number % 2 else -1]
            demands = (AllocationDemand(order=f"o-{number}", sku=sku, quantity=1, wait=True) for sku in names)
            await inventory.ask(*demands)

    await asyncio.gather(*map(open_all, range(4)))

    assert {(await inventory.sku(f"S-4-{each}")).waiting for each in range(6)} == {4}


@pytest.mark.parametrize("skus", [[KIT], [KIT, "GOWN"]])
async def test_of_concurrent_creations_of_one_batch_one_succeeds(inventory: InventoryHarness, skus: list[str]) -> None:
    made = await asyncio.gather(
        *(inventory.buy("shelf", 5, sku=skus[n % len(skus)]) for n in range(6)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in made) == ["BatchAlreadyCreated"] * 5 + ["StockChange"]
    assert (await inventory.kinds()) == ["BatchCreated"]


async def test_concurrent_first_purchases_of_a_sku_all_succeed(inventory: InventoryHarness) -> None:
    await asyncio.gather(*(inventory.buy(f"b-{number}", 1) for number in range(6)))

    assert (await inventory.sku()).stock.splittable_available == 6
    assert [told.version for told in await inventory.announced_since()] == [1, 2, 3, 4, 5, 6]


async def test_concurrent_allocations_succeed_exactly_as_often_as_there_is_stock(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 10)
    ends = await asyncio.gather(*(inventory.order(f"o-{number}") for number in range(30)), return_exceptions=True)

    assert [type(each) for each in ends].count(OrderLine) == 10
    assert [type(each) for each in ends].count(OutOfStock) == 20
    assert (await inventory.kinds()).count("OutOfStock") == 1


async def in_one_batch(stored: Application, *, commit: bool) -> None:
    """Process messages that depend on the effects of earlier ones."""
    clock, purchase = StoppedClock(), Purchase(reference="shelf", sku=KIT, quantity=5)

    def requests(*orders: str) -> list[AllocationRequest]:
        return [AllocationRequest(AllocationDemand(order=order, sku=KIT, quantity=2), a_request()) for order in orders]

    async with stored.messaging.new_inbox() as inbox:
        new_work: NewInventoryWork = partial(stored.inventory.new_work, within=inbox)
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: CreateBatch(new_work, clock, ids, ZONE)(purchase, RequestContext(arrived=NOON)),
            lambda: AllocateLines(new_work, clock, ids)(requests("o-1", "o-2")),
            lambda: DeallocateLine(new_work, clock)(LineKey(KIT, "o-1")),
            lambda: AllocateLines(new_work, clock, ids)(requests("o-3", "o-1", "o-2")),
        ]
        await inbox.deduplicate(*(a_message() for _ in acts))
        for act in acts:
            await act()
        if commit:
            await inbox.commit()


async def test_a_message_sees_the_effects_of_the_message_before_it(
    stored: Application, inventory: InventoryHarness
) -> None:
    await in_one_batch(stored, commit=True)

    states = {order: (await inventory.line(order)).state for order in ("o-2", "o-3")}
    assert states == dict.fromkeys(states, LineState.ALLOCATED)
    assert (await inventory.line("o-1")).state is LineState.DEALLOCATED
    assert await inventory.left("shelf") == 1
    assert [(told.type, told.version) for told in await inventory.announced_since()] == [
        ("BatchCreated", 1),
        ("Allocated", 2),
        ("Allocated", 3),
        ("Deallocated", 4),
        ("Allocated", 5),
        ("OutOfStock", 6),
    ]


async def test_a_batch_of_messages_that_is_not_committed_leaves_nothing(
    stored: Application, inventory: InventoryHarness
) -> None:
    await in_one_batch(stored, commit=False)

    assert await inventory.stored([KIT], ["o-1", "o-2", "o-3"]) == ({}, [])
    assert await inventory.announced_since() == []
