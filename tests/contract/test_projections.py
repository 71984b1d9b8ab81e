"""The contract of `Projections` and `History`, for every adapter, and of a rebuild over both."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.memory.engine.database import MemoryDatabase
from adapters.sql.inventory.stock_projection import STOCK_PROJECTION, projection_tables
from config.container import Application
from core.inventory.stock_level import StockLevel
from core.inventory.views import StockDelta
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.message import Message
from core.messaging.projections import RebuildTakenOver, RebuildUnderWay
from core.messaging.rebuild_report import RebuildReport
from core.use_cases import UseCases
from entrypoints.messages.inventory import decode_stock_event, project_inventory
from entrypoints.routes import ROUTES
from tests.examples import a_submission
from tests.inventory_harness import KIT, InventoryHarness, quiet
from tests.units_of_work import any_work

SHORT_WAIT_SECONDS = 0.05
"""Seconds of a lease that expires within a test."""
STALE = StockLevel(reference="B-1", sku=KIT, purchased=1, available=1, allocated=0, shipped=0, eta=None, version=1_000)


class Killed(BaseException):
    """Ends a process without any cleanup."""


@pytest.fixture
def inventory(stored: Application, monkeypatch: pytest.MonkeyPatch) -> InventoryHarness:
    monkeypatch.setattr("core.messaging.rebuild_projection.EVENTS_PER_PAGE", 3)
    return InventoryHarness(stored)


async def rows(inventory: InventoryHarness) -> dict[int, int]:
    """Return the number of rows of each generation."""
    database, found = inventory.application.storage.database(), dict[int, int]()
    if isinstance(database, MemoryDatabase):
        for key in [*database.line_views, *database.batch_views, *database.sku_views]:
            found[key[0]] = found.get(key[0], 0) + 1
        return found
    async with database.reading() as connection:
        for table in projection_tables()[STOCK_PROJECTION]:
            counted = select(table.c.generation, func.count()).group_by(table.c.generation)
            for generation, count in await connection.execute(counted):
                found[generation] = found.get(generation, 0) + count
    return found


async def rebuild(
    inventory: InventoryHarness, step: Callable[[int], Awaitable[None]] | None = None, pace: Pace | None = None
) -> Any:
    """Rebuild the projection; `step` runs before each page."""
    pages = 0

    async def stepping(messages: Sequence[Message], generation: int, use_cases: UseCases) -> None:
        nonlocal pages
        pages += 1
        if step:
            await step(pages)
        await project_inventory(messages, generation, use_cases)

    routes = replace(ROUTES, projectors={"inventory": stepping})
    rebuild_projection = replace(inventory.use_cases.messaging.rebuild_projection, routes=routes)
    return await rebuild_projection("inventory", pace or Pace(), quiet)


async def once_over(act: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine as soon as the lease is free."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await act()
            except RebuildUnderWay:
                await asyncio.sleep(SHORT_WAIT_SECONDS / 5)


async def a_few(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1", 20)
    for number in range(8):
        await inventory.allocate(f"order-{number}", 1)


async def seen(inventory: InventoryHarness) -> tuple[Any, ...]:
    view = await inventory.application.inventory.stock_views().sku(KIT)
    return [await inventory.lines(f"order-{number}") for number in range(12)], view


async def test_the_log_of_a_context_has_all_its_events_and_no_others(inventory: InventoryHarness) -> None:
    history = inventory.application.messaging.event_history()
    assert (await history.newest("inventory"), await history.page("inventory", None, 10)) == (None, [])
    await inventory.buy("B-1")
    _, submitted = a_submission()
    async with any_work(inventory.application) as work:
        work.record(submitted)
        await work.commit()
    for number in range(4):
        await inventory.allocate(f"order-{number}")

    pages, after = list[list[Message]](), None
    while page := list(await history.page("inventory", after, 2)):
        pages.append(page)
        after = page[-1].id

    assert [len(page) for page in pages] == [2, 2, 1]
    found = [message for page in pages for message in page]
    assert [message.type for message in found] == ["BatchCreated"] + ["Allocated"] * 4
    assert found[-1].id == await history.newest("inventory") == max(message.id for message in found)
    assert [decode_stock_event(message).version for message in found] == [1, 2, 3, 4, 5]
    assert (await history.newest("fees")) == (await history.page("fees", None, 9))[0].id


async def test_events_go_into_the_new_generation_too_as_long_as_its_lease_lasts(inventory: InventoryHarness) -> None:
    async def fed() -> list[int]:
        async with any_work(inventory.application) as work:
            return list(await work.stock_projection.generations())

    projections = inventory.application.messaging.projections()
    assert await fed() == [1]
    assert await projections.begin_rebuild("inventory", 60) == 2
    assert await fed() == [1, 2]
    await projections.renew("inventory", 2, 0)
    assert await fed() == [1]
    assert await projections.begin_rebuild("inventory", 60) == 3
    await projections.promote("inventory", 3)
    assert await fed() == [3]


async def test_there_is_one_rebuild_at_a_time(inventory: InventoryHarness) -> None:
    projections = inventory.application.messaging.projections()
    assert await projections.begin_rebuild("inventory", 60) == 2
    with pytest.raises(RebuildUnderWay):
        await projections.begin_rebuild("inventory", 60)

    await projections.renew("inventory", 2, SHORT_WAIT_SECONDS)
    assert await once_over(lambda: projections.begin_rebuild("inventory", 60)) == 3


@pytest.mark.parametrize("another", [False, True])
async def test_a_rebuild_with_an_expired_lease_cannot_write(inventory: InventoryHarness, another: bool) -> None:
    projections = inventory.application.messaging.projections()
    await projections.begin_rebuild("inventory", 60)
    await projections.renew("inventory", 2, 0)
    if another:
        await projections.begin_rebuild("inventory", 60)

    with pytest.raises(RebuildTakenOver):
        await projections.renew("inventory", 2, 60)
    with pytest.raises(RebuildTakenOver):
        await projections.promote("inventory", 2)
    async with any_work(inventory.application) as work:
        assert list(await work.stock_projection.generations()) == ([1, 3] if another else [1])


async def test_only_retired_generations_are_deleted_in_small_batches(inventory: InventoryHarness) -> None:
    await a_few(inventory)
    await inventory.take_in()
    projections = inventory.application.messaging.projections()
    await projections.begin_rebuild("inventory", 60)
    await inventory.take_in(())
    await project_inventory(await inventory.announced(), 2, inventory.use_cases)
    assert await projections.purge("inventory", 4) == 0
    await projections.promote("inventory", 2)
    assert await rows(inventory) == {1: 10, 2: 10}

    gone = [await projections.purge("inventory", 4) for _ in range(6)]

    assert (sum(gone), max(gone), gone[-1]) == (10, 4, 0)
    assert await rows(inventory) == {2: 10}


async def test_a_view_that_was_damaged_is_right_after_a_rebuild(inventory: InventoryHarness) -> None:
    await a_few(inventory)
    await inventory.take_in()
    right = await seen(inventory)
    events = [decode_stock_event(message) for message in await inventory.announced()]
    line = replace(StockDelta.of(events).lines["order-1", KIT], quantity=99, version=1_000)
    async with any_work(inventory.application) as work:
        work.stock_projection.put(1, StockDelta({("order-1", KIT): line}, {"B-1": STALE}, {KIT: 1_000}))
        await work.commit()
    assert await seen(inventory) != right

    assert await rebuild(inventory) == RebuildReport("inventory", 2, 9, 10)
    assert await seen(inventory) == right
    assert await rebuild(inventory) == RebuildReport("inventory", 3, 9, 10)
    assert (await seen(inventory), await rows(inventory)) == (right, {3: 10})


async def test_events_committed_during_a_rebuild_are_in_the_new_generation(inventory: InventoryHarness) -> None:
    await a_few(inventory)
    await inventory.take_in()

    async def life_goes_on(page: int) -> None:
        await inventory.allocate(f"order-{7 + page}")  # behind the scan, which ends at the end of the log at its start
        await inventory.deallocate("order-0") if page == 2 else None
        await inventory.take_in((await inventory.announced())[-2:])
        assert (await inventory.lines(f"order-{7 + page}"))[KIT].quantity == 1

    found = await rebuild(inventory, life_goes_on)

    assert found.events == 9
    right = await seen(inventory)
    assert [len(lines) for lines in right[0]] == [1] * 11 + [0]
    await inventory.take_in()
    await project_inventory(await inventory.announced(), 2, inventory.use_cases)
    assert await seen(inventory) == right


async def test_an_event_whose_consumer_did_not_know_of_the_rebuild_is_found_in_the_log(
    inventory: InventoryHarness,
) -> None:
    await a_few(inventory)
    *others, late = await inventory.announced()
    await inventory.take_in(others)
    async with inventory.application.messaging.new_inbox() as inbox:
        await inbox.deduplicate(late, others[0])
        async with any_work(inventory.application, inbox) as work:
            generations = await work.stock_projection.generations()
            rebuilding = asyncio.create_task(rebuild(inventory))
            await asyncio.wait({rebuilding}, timeout=1)  # SQLite makes the commit wait for the rebuild
            for generation in generations:
                work.stock_projection.put(generation, StockDelta.of([decode_stock_event(late)]))
            await work.commit()
        await inbox.commit()

    assert (await rebuilding).events == 9
    assert list(generations) == [1]
    assert (await inventory.lines("order-7"))[KIT].quantity == 1


@pytest.mark.parametrize("page", [1, 3])
async def test_a_rebuild_that_was_killed_leaves_what_is_read_as_it_was_and_can_begin_anew(
    inventory: InventoryHarness, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.messaging.rebuild_projection.LEASE_SECONDS", 0.5)
    await a_few(inventory)
    await inventory.take_in()
    right = await seen(inventory)

    async def killed(at: int) -> None:
        if at == page:
            raise Killed

    with pytest.raises(Killed):
        await rebuild(inventory, killed)
    assert await seen(inventory) == right
    monkeypatch.setattr("core.messaging.rebuild_projection.LEASE_SECONDS", 60)
    found = await once_over(lambda: rebuild(inventory))

    assert (found.generation, found.events) == (3, 9)
    assert (await seen(inventory), await rows(inventory)) == (right, {3: 10})


async def test_what_a_kill_left_behind_is_deleted_with_the_next_rebuild(inventory: InventoryHarness) -> None:
    await a_few(inventory)
    await inventory.take_in()
    right, projections = await seen(inventory), inventory.application.messaging.projections()
    await projections.begin_rebuild("inventory", 60)
    await project_inventory(await inventory.announced(), 2, inventory.use_cases)
    await projections.promote("inventory", 2)  # killed here
    assert (await seen(inventory), await rows(inventory)) == (right, {1: 10, 2: 10})

    assert (await rebuild(inventory)).forgotten == 20
    assert (await seen(inventory), await rows(inventory)) == (right, {3: 10})


async def test_of_two_rebuilds_at_once_one_is_refused(inventory: InventoryHarness) -> None:
    await a_few(inventory)

    async def second(_page: int) -> None:
        with pytest.raises(RebuildUnderWay):
            await rebuild(inventory)

    assert (await rebuild(inventory, second)).generation == 2
    assert len(await inventory.lines("order-7")) == 1


async def test_a_rebuild_goes_on_where_the_database_was_away_for_a_moment(inventory: InventoryHarness) -> None:
    await a_few(inventory)
    trouble = [Unavailable("a deadlock"), Unavailable("and another")]

    async def troubled(_page: int) -> None:
        if trouble:
            raise trouble.pop()

    assert (await rebuild(inventory, troubled)).events == 9
    assert len(await inventory.lines("order-7")) == 1


async def test_a_rebuild_in_the_middle_of_everything_is_right(inventory: InventoryHarness) -> None:
    """Run commands, a lagging consumer, and rebuilds concurrently."""
    await inventory.buy("B-1", 500)
    over = asyncio.Event()

    async def work() -> None:
        for number in range(40):
            await inventory.allocate(f"order-{number % 12}", 1, sku=KIT) if number % 3 else await drop(
                inventory, number % 12
            )
        over.set()

    async def follow() -> None:
        taken: list[Message] = []
        while not over.is_set():
            page = (await inventory.announced(taken))[:7]
            await inventory.take_in(page)
            taken += page
            await asyncio.sleep(0)

    async def again() -> None:
        while not over.is_set():
            await rebuild(inventory)

    await asyncio.gather(work(), follow(), again())
    await inventory.take_in()
    found, view = await seen(inventory)

    async with any_work(inventory.application) as work_:
        for number, lines in enumerate(found):
            assert lines == {line.sku: line for line in await work_.order_lines.of_order(f"order-{number}")}
        held = (await work_.skus.lock([KIT], include_depleted=True))[KIT]
    assert view.batches[0].available == held.stock.batches["B-1"].available
    assert await inventory.application.inventory.projection_progress().oldest_unprojected_at() is None


async def drop(inventory: InventoryHarness, number: int) -> None:
    if (line := (await inventory.lines(f"order-{number}")).get(KIT)) and line.is_active:
        await inventory.deallocate(f"order-{number}")
