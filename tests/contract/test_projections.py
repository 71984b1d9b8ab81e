"""Whatever stands behind `Projections` and `History` must behave like this, and so must a rebuild over both."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.memory.database import Store
from adapters.sql.projections import STOCK_PROJECTION, VIEWS
from config.container import Application
from core.inventory.stock_level import StockLevel
from core.inventory.views import StockDelta
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.message import Message
from core.messaging.projections import RebuildTakenOver, RebuildUnderWay
from core.messaging.rebuild_projection import RebuildReport
from entrypoints.messages.replays import projection_builders
from entrypoints.messages.stock_events import decode_stock_event
from tests.examples import a_submission
from tests.inventory_harness import KIT, Stores, quiet

SHORT_WAIT_SECONDS = 0.05
"""Seconds of a lease that is soon over."""
STALE = StockLevel(reference="B-1", sku=KIT, purchased=1, available=1, allocated=0, shipped=0, eta=None, version=1_000)
Build = Callable[[Any, int], Awaitable[None]]


class Killed(BaseException):
    """What a process does not survive."""


@pytest.fixture
def stores(stored: Application, monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setattr("core.messaging.rebuild_projection.EVENTS_PER_PAGE", 3)
    return Stores(stored)


async def rows(stores: Stores) -> dict[int, int]:
    """Return how many rows each generation has."""
    database, found = stores.driven.database(), dict[int, int]()
    if isinstance(database, Store):
        for key in [*database.line_views, *database.batch_views, *database.sku_views]:
            found[key[0]] = found.get(key[0], 0) + 1
        return found
    async with database.reading() as connection:
        for table in VIEWS[STOCK_PROJECTION]:
            counted = select(table.c.generation, func.count()).group_by(table.c.generation)
            for generation, count in await connection.execute(counted):
                found[generation] = found.get(generation, 0) + count
    return found


async def rebuild(
    stores: Stores, step: Callable[[int], Awaitable[None]] | None = None, pace: Pace | None = None
) -> Any:
    """Rebuild; `step` may do something before each page."""
    build, pages = projection_builders(stores.use_cases)["inventory"], 0

    async def stepping(messages: Any, generation: int) -> None:
        nonlocal pages
        pages += 1
        if step:
            await step(pages)
        await build(messages, generation)

    use_case = stores.use_cases_alone["rebuild_projection"]()
    return await use_case({"inventory": stepping}, "inventory", pace or Pace(), quiet)


async def once_over(act: Callable[[], Awaitable[Any]]) -> Any:
    """Do something as soon as nobody else holds the lease."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await act()
            except RebuildUnderWay:
                await asyncio.sleep(SHORT_WAIT_SECONDS / 5)


async def a_few(stores: Stores) -> None:
    await stores.buy("B-1", 20)
    for number in range(8):
        await stores.allocate(f"order-{number}", 1)


async def seen(stores: Stores) -> tuple[Any, ...]:
    view = await stores.driven.stock_views().sku(KIT)
    return [await stores.lines(f"order-{number}") for number in range(12)], view


async def test_the_log_of_a_context_has_all_its_events_and_no_others(stores: Stores) -> None:
    history = stores.driven.history()
    assert (await history.newest("inventory"), await history.page("inventory", None, 10)) == (None, [])
    await stores.buy("B-1")
    _, submitted = a_submission()
    async with stores.driven.new_work() as work:
        work.record(submitted)
        await work.commit()
    for number in range(4):
        await stores.allocate(f"order-{number}")

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


async def test_events_go_into_the_new_generation_too_as_long_as_its_lease_lasts(stores: Stores) -> None:
    async def fed() -> list[int]:
        async with stores.driven.new_work() as work:
            return list(await work.stock_projection.generations())

    projections = stores.driven.projections()
    assert await fed() == [1]
    assert await projections.begin("inventory", 60) == 2
    assert await fed() == [1, 2]
    await projections.hold("inventory", 2, 0)
    assert await fed() == [1]
    assert await projections.begin("inventory", 60) == 3
    await projections.promote("inventory", 3)
    assert await fed() == [3]


async def test_there_is_one_rebuild_at_a_time(stores: Stores) -> None:
    projections = stores.driven.projections()
    assert await projections.begin("inventory", 60) == 2
    with pytest.raises(RebuildUnderWay):
        await projections.begin("inventory", 60)

    await projections.hold("inventory", 2, SHORT_WAIT_SECONDS)
    assert await once_over(lambda: projections.begin("inventory", 60)) == 3


@pytest.mark.parametrize("another", [False, True])
async def test_a_rebuild_with_an_expired_lease_cannot_write(stores: Stores, another: bool) -> None:
    projections = stores.driven.projections()
    await projections.begin("inventory", 60)
    await projections.hold("inventory", 2, 0)
    if another:
        await projections.begin("inventory", 60)

    with pytest.raises(RebuildTakenOver):
        await projections.hold("inventory", 2, 60)
    with pytest.raises(RebuildTakenOver):
        await projections.promote("inventory", 2)
    async with stores.driven.new_work() as work:
        assert list(await work.stock_projection.generations()) == ([1, 3] if another else [1])


async def test_only_retired_generations_are_deleted_in_small_batches(stores: Stores) -> None:
    await a_few(stores)
    await stores.take_in()
    projections = stores.driven.projections()
    await projections.begin("inventory", 60)
    await stores.take_in(())
    await projection_builders(stores.use_cases)["inventory"](await stores.announced(), 2)
    assert await projections.forget("inventory", 4) == 0
    await projections.promote("inventory", 2)
    assert await rows(stores) == {1: 10, 2: 10}

    gone = [await projections.forget("inventory", 4) for _ in range(6)]

    assert (sum(gone), max(gone), gone[-1]) == (10, 4, 0)
    assert await rows(stores) == {2: 10}


async def test_a_view_that_was_damaged_is_right_after_a_rebuild(stores: Stores) -> None:
    await a_few(stores)
    await stores.take_in()
    right = await seen(stores)
    events = [decode_stock_event(message) for message in await stores.announced()]
    line = replace(StockDelta.of(events).lines["order-1", KIT], quantity=99, version=1_000)
    async with stores.driven.new_work() as work:
        work.stock_projection.put(1, StockDelta({("order-1", KIT): line}, {"B-1": STALE}, {KIT: 1_000}))
        await work.commit()
    assert await seen(stores) != right

    assert await rebuild(stores) == RebuildReport("inventory", 2, 9, 10)
    assert await seen(stores) == right
    assert await rebuild(stores) == RebuildReport("inventory", 3, 9, 10)
    assert (await seen(stores), await rows(stores)) == (right, {3: 10})


async def test_events_committed_during_a_rebuild_are_in_the_new_generation(stores: Stores) -> None:
    await a_few(stores)
    await stores.take_in()

    async def life_goes_on(page: int) -> None:
        await stores.allocate(f"order-{7 + page}")  # behind the scan, which ends where the log did as it began
        await stores.deallocate("order-0") if page == 2 else None
        await stores.take_in((await stores.announced())[-2:])
        assert (await stores.lines(f"order-{7 + page}"))[KIT].quantity == 1

    found = await rebuild(stores, life_goes_on)

    assert found.events == 9
    right = await seen(stores)
    assert [len(lines) for lines in right[0]] == [1] * 11 + [0]
    await stores.take_in()
    await projection_builders(stores.use_cases)["inventory"](await stores.announced(), 2)
    assert await seen(stores) == right


async def test_an_event_whose_consumer_did_not_know_of_the_rebuild_is_found_in_the_log(stores: Stores) -> None:
    await a_few(stores)
    *others, late = await stores.announced()
    await stores.take_in(others)
    async with stores.driven.new_inbox() as inbox:
        await inbox.deduplicate(late, others[0])
        async with inbox.new_work() as work:
            generations = await work.stock_projection.generations()
            rebuilding = asyncio.create_task(rebuild(stores))
            await asyncio.wait({rebuilding}, timeout=1)  # SQLite lets it wait for us
            for generation in generations:
                work.stock_projection.put(generation, StockDelta.of([decode_stock_event(late)]))
            await work.commit()
        await inbox.commit()

    assert (await rebuilding).events == 9
    assert list(generations) == [1]
    assert (await stores.lines("order-7"))[KIT].quantity == 1


@pytest.mark.parametrize("page", [1, 3])
async def test_a_rebuild_that_was_killed_leaves_what_is_read_as_it_was_and_can_begin_anew(
    stores: Stores, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.messaging.rebuild_projection.LEASE_SECONDS", 0.5)
    await a_few(stores)
    await stores.take_in()
    right = await seen(stores)

    async def killed(at: int) -> None:
        if at == page:
            raise Killed

    with pytest.raises(Killed):
        await rebuild(stores, killed)
    assert await seen(stores) == right
    monkeypatch.setattr("core.messaging.rebuild_projection.LEASE_SECONDS", 60)
    found = await once_over(lambda: rebuild(stores))

    assert (found.generation, found.events) == (3, 9)
    assert (await seen(stores), await rows(stores)) == (right, {3: 10})


async def test_what_a_kill_left_behind_is_deleted_with_the_next_rebuild(stores: Stores) -> None:
    await a_few(stores)
    await stores.take_in()
    right, projections = await seen(stores), stores.driven.projections()
    await projections.begin("inventory", 60)
    await projection_builders(stores.use_cases)["inventory"](await stores.announced(), 2)
    await projections.promote("inventory", 2)  # killed here
    assert (await seen(stores), await rows(stores)) == (right, {1: 10, 2: 10})

    assert (await rebuild(stores)).forgotten == 20
    assert (await seen(stores), await rows(stores)) == (right, {3: 10})


async def test_of_two_rebuilds_at_once_one_is_refused(stores: Stores) -> None:
    await a_few(stores)

    async def second(_page: int) -> None:
        with pytest.raises(RebuildUnderWay):
            await rebuild(stores)

    assert (await rebuild(stores, second)).generation == 2
    assert len(await stores.lines("order-7")) == 1


async def test_a_rebuild_goes_on_where_the_database_was_away_for_a_moment(stores: Stores) -> None:
    await a_few(stores)
    trouble = [Unavailable("a deadlock"), Unavailable("and another")]

    async def troubled(_page: int) -> None:
        if trouble:
            raise trouble.pop()

    assert (await rebuild(stores, troubled)).events == 9
    assert len(await stores.lines("order-7")) == 1


async def test_a_rebuild_in_the_middle_of_everything_is_right(stores: Stores) -> None:
    """Commands, a consumer that lags behind them, and rebuilds, all at once."""
    await stores.buy("B-1", 500)
    over = asyncio.Event()

    async def work() -> None:
        for number in range(40):
            await stores.allocate(f"order-{number % 12}", 1, sku=KIT) if number % 3 else await drop(stores, number % 12)
        over.set()

    async def follow() -> None:
        taken: list[Message] = []
        while not over.is_set():
            page = (await stores.announced(taken))[:7]
            await stores.take_in(page)
            taken += page
            await asyncio.sleep(0)

    async def again() -> None:
        while not over.is_set():
            await rebuild(stores)

    await asyncio.gather(work(), follow(), again())
    await stores.take_in()
    found, view = await seen(stores)

    async with stores.driven.new_work() as work_:
        for number, lines in enumerate(found):
            assert lines == {line.sku: line for line in await work_.order_lines.of_order(f"order-{number}")}
        held = (await work_.skus.hold([KIT], whole=True))[KIT]
    assert view.batches[0].available == held.stock.batches["B-1"].available
    assert await stores.driven.projection_progress().oldest_unprojected_at() is None


async def drop(stores: Stores, number: int) -> None:
    if (line := (await stores.lines(f"order-{number}")).get(KIT)) and line.lives:
        await stores.deallocate(f"order-{number}")
