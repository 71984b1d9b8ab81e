"""Whatever stands behind `Skus`, `OrderLines` and `Chores` must behave like this."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from config.container import Application
from core.inventory.allocate_lines import AllocateLines
from core.inventory.create_batch import CreateBatch, Purchase
from core.inventory.deallocate_line import DeallocateLine
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile, OutOfStock
from core.inventory.events import DeallocationReason
from core.inventory.order_line import AllocationDemand, AllocationRequest, LineState, OrderLine
from core.inventory.ports import LineKey
from core.inventory.sku import Sku, SkuId
from core.kernel.idempotency import RequestContext
from tests.examples import NOON, StoppedClock, a_message, ids
from tests.unit.inventory.harness import KIT, TODAY, ZONE, Stores, a_request, taken

HOUR = timedelta(hours=1)
SOON = TODAY + timedelta(days=3)
NO_LIMIT = 1_000


@pytest.fixture
def stores(stored: Application) -> Stores:
    return Stores(stored.driven.new_work, stored.driven.chores(), stored.driven.outbox())


async def latest_allocated_from(stores: Stores, batch: str, limit: int = NO_LIMIT) -> list[str]:
    async with stores.new_work() as work:
        return [line.order for line in await work.order_lines.latest_allocated_from(batch, limit)]


async def waiting(stores: Stores, after: int = 0, limit: int = NO_LIMIT) -> list[str]:
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT]))[KIT]
        return [line.order for line in await work.order_lines.waiting(sku, after, limit)]


async def fetched(stores: Stores, *keys: LineKey) -> dict[LineKey, OrderLine]:
    async with stores.new_work() as work:
        skus = await work.skus.hold({key.sku for key in keys})
        await work.order_lines.fetch(skus.values(), keys)
        return {LineKey(sku.name, order): line for sku in skus.values() for order, line in sku.lines.items()}


async def test_a_sku_comes_back_as_it_was(stores: Stores) -> None:
    await stores.buy("ship", 5, SOON)
    await stores.buy("shelf", 3)
    await stores.order("o-1", 2)
    await stores.ship("o-1")
    await stores.order("o-2", 9, wait=True)
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT]))[KIT]
        told = [event.version for event in sku.begin_shortage("o", 1, NOON)]
        ship, stock = sku.stock.batches["ship"], sku.stock.batches["shelf"]

    assert (sku.version, sku.waiting, sku.short, sku.unserved, told) == (6, 1, True, False, [])
    assert (ship.purchased, ship.allocated, ship.shipped, ship.eta, ship.number) == (5, 0, 0, SOON, 1)
    assert (stock.purchased, stock.allocated, stock.shipped, stock.eta, stock.number) == (3, 2, 2, None, 2)


async def test_a_sku_is_locked_with_its_remaining_batches_or_with_all(stores: Stores) -> None:
    await stores.buy("gone", 2)
    await stores.order("o-0", 2)
    await stores.ship("o-0")
    await stores.buy("empty", 2)
    await stores.order("o-1", 2)
    await stores.buy("shelf", 5)
    async with stores.new_work() as work:
        parted, whole = await work.skus.hold([KIT]), await work.skus.hold([KIT], whole=True)
        by_batch, history = await work.skus.lock_batch("empty"), await work.skus.lock_batch("gone")

    assert list(parted[KIT].stock.batches) == ["shelf"]
    assert set(whole[KIT].stock.batches) == {"shelf", "empty"}
    assert by_batch is not None
    assert (by_batch.name, by_batch.stock.batches) == (KIT, whole[KIT].stock.batches)
    assert history is not None
    assert history.stock.batches.keys() == {"gone", "shelf", "empty"}


async def test_an_unknown_sku_is_not_locked(stores: Stores) -> None:
    await stores.buy("shelf")
    async with stores.new_work() as work:
        assert (await work.skus.hold([KIT, "GOWN", KIT.lower()])).keys() == {KIT}
        assert await work.skus.hold([]) == {}
        assert await work.skus.lock_batch("rail") is None
        assert await work.skus.lock_batch("SHELF") is None


async def test_several_skus_have_their_own_batches(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    await stores.buy("rail", 6, sku="GOWN")
    async with stores.new_work() as work:
        held = await work.skus.hold(["GOWN", KIT])

    assert {name: set(sku.stock.batches) for name, sku in held.items()} == {KIT: {"shelf"}, "GOWN": {"rail"}}


async def test_saving_a_partially_loaded_sku_leaves_its_other_batches_unchanged(stores: Stores) -> None:
    await stores.buy("empty", 2)
    await stores.order("o-1", 2)
    await stores.buy("shelf", 5)
    await stores.order("o-2", 1)

    assert [await stores.left("empty"), await stores.left("shelf")] == [0, 4]
    assert taken(await stores.line("o-1")) == {"empty": 2}


async def test_a_line_comes_back_as_it_was(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await stores.buy("ship", 5, SOON)
    whole = await stores.order("o-1", 4, priority=9, hold_until=NOON + HOUR + timedelta(microseconds=1))
    split = await stores.order("o-2", 4, split=True)
    queued = await stores.order("o-3", 4, wait=True)
    found = await fetched(stores, *(LineKey(KIT, order) for order in ("o-1", "o-2", "o-3")))

    assert list(found.values()) == [whole, split, queued]
    assert whole.passed_over
    assert len(split.parts) == 2


async def test_lines_are_loaded_into_the_skus_that_request_them(stores: Stores) -> None:
    for sku in (KIT, "GOWN"):
        await stores.buy(f"of-{sku}", sku=sku)
        for order in ("o-1", "o-2", "o-3"):
            await stores.order(order, sku=sku)
    wanted = {LineKey(KIT, "o-1"), LineKey("GOWN", "o-2")}

    assert (await fetched(stores, *wanted, LineKey(KIT, "o-9"), LineKey("HAT", "o-1"))).keys() == wanted
    async with stores.new_work() as work:
        gowns = await work.skus.hold(["GOWN"])
        await work.order_lines.fetch(gowns.values(), [LineKey(KIT, "o-1"), LineKey("GOWN", "o-3")])
    assert set(gowns["GOWN"].lines) == {"o-3"}


async def test_an_order_has_all_its_lines_whatever_became_of_them(stores: Stores) -> None:
    for number, sku in enumerate(["HAT", KIT, "GOWN"]):
        await stores.buy(f"b-{number}", sku=sku)
        await stores.order("o-1", sku=sku)
        await stores.order("o-10", sku=sku)
    await stores.undo("o-1", "HAT")
    async with stores.new_work() as work:
        lines = await work.order_lines.of_order("o-1")
        none = await work.order_lines.of_order("o")

    assert [(line.sku, line.state) for line in lines] == [
        ("GOWN", LineState.ALLOCATED),
        ("HAT", LineState.DEALLOCATED),
        (KIT, LineState.ALLOCATED),
    ]
    assert none == []


async def test_the_lines_of_a_batch_come_by_priority_and_then_by_age(stores: Stores) -> None:
    await stores.buy("shelf", 20)
    await stores.buy("other", 20, sku="GOWN")
    for order, priority in {"o-1": 5, "o-2": 9, "o-3": 0, "o-4": 9, "o-5": 5}.items():
        await stores.order(order, priority=priority)
    await stores.order("o-6", sku="GOWN", priority=9)

    assert await latest_allocated_from(stores, "shelf") == ["o-4", "o-2", "o-5", "o-1", "o-3"]
    assert await latest_allocated_from(stores, "shelf", 2) == ["o-4", "o-2"]
    assert await latest_allocated_from(stores, "SHELF") == []


async def test_a_batch_lists_only_lines_with_unshipped_allocations(stores: Stores) -> None:
    await stores.buy("first", 4)
    await stores.buy("second", 4)
    await stores.order("split", 6, split=True)
    await stores.order("gone")
    await stores.ship("gone")
    await stores.order("over")
    await stores.undo("over")
    await stores.order("waits", 9, wait=True)

    assert [await latest_allocated_from(stores, "first"), await latest_allocated_from(stores, "second")] == [
        ["split"],
        ["split"],
    ]


async def test_a_line_that_moved_is_in_its_new_batch_alone(stores: Stores) -> None:
    await stores.buy("first", 4)
    await stores.order("o-1", 4)
    await stores.buy("second", 4)
    await stores.change_quantity("first", 0)
    assert [await latest_allocated_from(stores, "first"), await latest_allocated_from(stores, "second")] == [
        [],
        ["o-1"],
    ]

    await stores.undo("o-1")
    await stores.change_quantity("first", 4)
    await stores.order("o-1", 3)
    assert [await latest_allocated_from(stores, "first"), await latest_allocated_from(stores, "second")] == [
        ["o-1"],
        [],
    ]


async def test_a_reallocated_line_is_listed_in_its_batch_again(stores: Stores) -> None:
    await stores.buy("shelf", 6)
    await stores.order("small", 2)
    await stores.order("large", 4)
    await stores.change_quantity("shelf", 5)
    assert await latest_allocated_from(stores, "shelf") == ["small"]

    await stores.change_quantity("shelf", 6)
    assert await latest_allocated_from(stores, "shelf") == ["large", "small"]


async def test_backorders_are_listed_oldest_first_from_a_position(stores: Stores) -> None:
    await stores.buy("other", 1, sku="GOWN")
    for order in ("o-3", "o-1", "o-2", "o-4"):
        await stores.order(order, 2, wait=True)
    await stores.order("o-5", 2, sku="GOWN", wait=True)
    places = {order: (await stores.line(order)).place for order in ("o-3", "o-1", "o-2", "o-4")}
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT]))[KIT]
        sku.create_batch("shelf", 5, None, NOON)
        everybody = await work.order_lines.waiting(sku, 0, NO_LIMIT)
        some = await work.order_lines.waiting(sku, places["o-3"], 2)

    assert [line.order for line in everybody] == ["o-3", "o-1", "o-2", "o-4"]
    assert [line.order for line in some] == ["o-1", "o-2"]


async def test_only_backorders_the_remaining_stock_can_serve_are_listed(stores: Stores) -> None:
    await stores.buy("first", 3)
    await stores.buy("second", 2)
    for quantity in (1, 3, 4, 5, 6):
        await stores.order(f"whole-{quantity}", quantity + 10, wait=True)
        await stores.order(f"split-{quantity}", quantity + 10, wait=True, split=True)
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT]))[KIT]
        sku.resize("first", 13, NOON)
        found = await work.order_lines.waiting(sku, 0, NO_LIMIT)

    assert [line.order for line in found] == ["whole-1", "split-1", "whole-3", "split-3", "split-4", "split-5"]


async def test_a_served_or_cancelled_line_is_no_backorder(stores: Stores) -> None:
    for order in ("o-1", "o-2", "o-3", "o-4"):
        await stores.order(order, 2, wait=True)
    await stores.undo("o-1")
    await stores.buy("shelf", 3)
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT]))[KIT]
        sku.create_batch("more", 5, None, NOON)
        found = await work.order_lines.waiting(sku, 0, NO_LIMIT)

    assert [line.order for line in found] == ["o-3", "o-4"]


async def test_holds_that_expired_first_are_listed_first(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    for order, hours in {"o-1": 2, "o-2": 1, "o-3": 3, "o-4": 4}.items():
        await stores.order(order, hold_until=NOON + hours * HOUR)
    await stores.order("waits", 9, wait=True, hold_until=NOON + 2.5 * HOUR)
    await stores.order("stays")

    def keys(*orders: str) -> list[LineKey]:
        return [LineKey(KIT, order) for order in orders]

    over = NOON + 3 * HOUR
    assert list(await stores.chores.expired(over, NO_LIMIT)) == keys("o-2", "o-1", "waits", "o-3")
    assert list(await stores.chores.expired(over, 2)) == keys("o-2", "o-1")
    assert list(await stores.chores.expired(NOON, NO_LIMIT)) == []


async def test_a_line_in_a_final_state_does_not_expire(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    for order in ("gone", "back", "kept"):
        await stores.order(order, hold_until=NOON + HOUR)
    await stores.ship("gone")
    await stores.undo("back")
    await stores.order("kept")

    assert list(await stores.chores.expired(NOON + 9 * HOUR, NO_LIMIT)) == []


async def test_skus_with_unserved_backorders_are_listed_by_name(stores: Stores) -> None:
    names = ["GOWN", "CAP", KIT]
    for name in [*names, "HAT"]:
        await stores.order("o-1", sku=name, wait=True)
    async with stores.new_work() as work:
        for sku in (await work.skus.hold(names)).values():
            sku.create_batch(f"of-{sku.name}", 1, None, NOON)
            work.skus.save(sku)
        await work.commit()

    assert list(await stores.chores.unserved(NO_LIMIT)) == ["CAP", "GOWN", KIT]
    assert list(await stores.chores.unserved(2)) == ["CAP", "GOWN"]
    assert await stores.tend() == {"expired": 0, "served": 3}
    assert list(await stores.chores.unserved(NO_LIMIT)) == []


async def test_uncommitted_work_never_happened(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    line = await stores.order("o-1", 2)
    before, _ = await stores.sku(), await stores.news()
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT], whole=True))[KIT]
        await work.order_lines.fetch([sku], [LineKey(KIT, "o-1")])
        work.record(sku.deallocate("o-1", DeallocationReason.CANCELLED, NOON), sku.create_batch("more", 5, None, NOON))
        work.skus.save(sku)
        work.skus.add(Sku(id=SkuId(ids.new()), name="GOWN"))

    after = await stores.sku()
    assert (after.version, after.stock.batches) == (before.version, before.stock.batches)
    assert await stores.line("o-1") == line
    assert (await stores.look(["GOWN"], []))[0] == {}
    assert await stores.news() == []


async def test_a_sku_is_opened_once(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    async with stores.new_work() as work:
        work.skus.add(Sku(id=SkuId(ids.new()), name=KIT))
        with pytest.raises(ChangedMeanwhile):
            await work.commit()

    assert await stores.left("shelf") == 5


async def test_a_batch_is_created_once(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    await stores.buy("rail", 5, sku="GOWN")
    async with stores.new_work() as work:
        sku = (await work.skus.hold(["GOWN"]))["GOWN"]
        work.record(sku.create_batch("shelf", 7, None, NOON))
        work.skus.save(sku)
        with pytest.raises(BatchAlreadyCreated, match="there is a batch shelf"):
            await work.commit()

    assert set((await stores.sku("GOWN")).stock.batches) == {"rail"}
    assert await stores.left("shelf") == 5


async def test_a_transaction_blocked_on_a_sku_lock_sees_the_committed_change(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    async with stores.new_work() as work:
        sku = (await work.skus.hold([KIT], whole=True))[KIT]
        others = [asyncio.create_task(stores.order("o-2", 4)), asyncio.create_task(stores.change_quantity("shelf", 3))]
        done, _ = await asyncio.wait(others, timeout=0.2)
        assert not done
        work.record(sku.create_batch("more", 4, None, NOON))
        work.skus.save(sku)
        await work.commit()
    await asyncio.gather(*others)

    assert taken(await stores.line("o-2")) == {"more": 4} or taken(await stores.line("o-2")) == {"shelf": 4}
    versions = [told.version for told in await stores.news()]
    assert versions == list(range(1, len(versions) + 1))


async def test_transactions_locking_several_skus_in_any_order_do_not_deadlock(stores: Stores) -> None:
    names = [f"S-{number}" for number in range(6)]
    for name in names:
        await stores.buy(f"of-{name}", 1_000, sku=name)

    def group(order: str, skus: list[str]) -> Awaitable[object]:
        return stores.ask(*(AllocationDemand(order=order, sku=sku, quantity=1) for sku in skus))

    await asyncio.gather(*(group(f"o-{n}", names if n % 2 else names[::-1]) for n in range(20)))

    assert {await stores.left(f"of-{name}", name) for name in names} == {980}


async def test_transactions_creating_several_skus_in_any_order_do_not_deadlock(stores: Stores) -> None:
    async def open_all(number: int) -> None:
        for round_ in range(5):
            names = [f"S-{round_}-{each}" for each in range(6)][:: 1 if number % 2 else -1]
            wishes = (AllocationDemand(order=f"o-{number}", sku=sku, quantity=1, wait=True) for sku in names)
            await stores.ask(*wishes)

    await asyncio.gather(*map(open_all, range(4)))

    assert {(await stores.sku(f"S-4-{each}")).waiting for each in range(6)} == {4}


@pytest.mark.parametrize("skus", [[KIT], [KIT, "GOWN"]])
async def test_of_concurrent_creations_of_one_batch_one_succeeds(stores: Stores, skus: list[str]) -> None:
    made = await asyncio.gather(
        *(stores.buy("shelf", 5, sku=skus[n % len(skus)]) for n in range(6)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in made) == ["BatchAlreadyCreated"] * 5 + ["StockChange"]
    assert (await stores.kinds()) == ["BatchCreated"]


async def test_concurrent_first_purchases_of_a_sku_all_succeed(stores: Stores) -> None:
    await asyncio.gather(*(stores.buy(f"b-{number}", 1) for number in range(6)))

    assert (await stores.sku()).stock.left == 6
    assert [told.version for told in await stores.news()] == [1, 2, 3, 4, 5, 6]


async def test_concurrent_allocations_succeed_exactly_as_often_as_there_is_stock(stores: Stores) -> None:
    await stores.buy("shelf", 10)
    ends = await asyncio.gather(*(stores.order(f"o-{number}") for number in range(30)), return_exceptions=True)

    assert [type(each) for each in ends].count(OrderLine) == 10
    assert [type(each) for each in ends].count(OutOfStock) == 20
    assert (await stores.kinds()).count("OutOfStock") == 1


async def in_one_batch(stored: Application, *, commit: bool) -> None:
    """Take messages that are about what those before them made."""
    clock, purchase = StoppedClock(), Purchase(reference="shelf", sku=KIT, quantity=5)

    def wishes(*orders: str) -> list[AllocationRequest]:
        return [AllocationRequest(AllocationDemand(order=order, sku=KIT, quantity=2), a_request()) for order in orders]

    async with stored.driven.new_inbox() as inbox:
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: CreateBatch(inbox.new_work, clock, ids, ZONE)(purchase, RequestContext(arrived=NOON)),
            lambda: AllocateLines(inbox.new_work, clock, ids)(wishes("o-1", "o-2")),
            lambda: DeallocateLine(inbox.new_work, clock)(LineKey(KIT, "o-1")),
            lambda: AllocateLines(inbox.new_work, clock, ids)(wishes("o-3", "o-1", "o-2")),
        ]
        await inbox.deduplicate(*(a_message() for _ in acts))
        for act in acts:
            await act()
        if commit:
            await inbox.commit()


async def test_a_message_sees_the_effects_of_the_message_before_it(stored: Application, stores: Stores) -> None:
    await in_one_batch(stored, commit=True)

    states = {order: (await stores.line(order)).state for order in ("o-2", "o-3")}
    assert states == dict.fromkeys(states, LineState.ALLOCATED)
    assert (await stores.line("o-1")).state is LineState.DEALLOCATED
    assert await stores.left("shelf") == 1
    assert [(told.type, told.version) for told in await stores.news()] == [
        ("BatchCreated", 1),
        ("Allocated", 2),
        ("Allocated", 3),
        ("Deallocated", 4),
        ("Allocated", 5),
        ("OutOfStock", 6),
    ]


async def test_a_batch_of_messages_that_is_not_committed_leaves_nothing(stored: Application, stores: Stores) -> None:
    await in_one_batch(stored, commit=False)

    assert await stores.look([KIT], ["o-1", "o-2", "o-3"]) == ({}, [])
    assert await stores.news() == []
