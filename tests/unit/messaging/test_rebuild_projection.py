"""Rebuilds from their caller's view; the contract tests cover concurrent changes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from adapters.memory.messaging.projections import MemoryEventHistory, MemoryProjections
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.message import Message
from core.messaging.projections import UnknownProjection
from core.messaging.read_ahead import RETRY_BACKOFF_SECONDS
from core.messaging.rebuild_projection import RebuildProjection
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.examples import NOON, StoppedClock
from tests.inventory_harness import InventoryHarness, quiet


@pytest.fixture
async def inventory(monkeypatch: pytest.MonkeyPatch) -> InventoryHarness:
    monkeypatch.setattr("core.messaging.rebuild_projection.EVENTS_PER_PAGE", 2)
    application = an_application()
    application.process.clock.override(StoppedClock())
    inventory = InventoryHarness(application)
    await inventory.buy("B-1")
    for number in range(4):
        await inventory.allocate(f"order-{number}")
    return inventory


async def test_an_unknown_projection_is_refused_with_the_known_ones(inventory: InventoryHarness) -> None:
    with pytest.raises(UnknownProjection, match="there are inventory, ledger, submissions"):
        await inventory.use_cases.messaging.rebuild_projection("fees", Pace(), quiet)


async def test_a_rebuild_reports_progress(inventory: InventoryHarness) -> None:
    heard: list[tuple[int, datetime]] = []

    await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(), lambda *told: heard.append(told))

    assert heard == [(2, NOON), (4, NOON), (5, NOON)]


async def test_a_log_without_events_makes_an_empty_view(inventory: InventoryHarness) -> None:
    inventory.application.storage.memory().events.clear()
    inventory.application.storage.memory().line_views[1, "order-1", "x"] = (
        inventory.application.storage.memory().order_lines.popitem()[1]
    )

    found = await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(), quiet)

    assert (found.events, found.forgotten, await inventory.lines("order-1")) == (0, 1, {})


async def test_events_projected_as_a_rebuild_begins_are_in_the_new_generation(inventory: InventoryHarness) -> None:
    class Busy(MemoryEventHistory):
        async def newest(self, context: str) -> UUID | None:
            found = await super().newest(context)
            await inventory.allocate("late")
            await inventory.take_in()
            return found

    await inventory.allocate("order-5")  # no page holds more than the existing events
    use_case = RebuildProjection(
        inventory.application.messaging.projections(),
        inventory.application.storage.new_work,
        Busy(inventory.application.storage.memory()),
        inventory.application.messaging.record_store(),
        ROUTES,
        lambda: inventory.use_cases,
    )
    await use_case("inventory", Pace(), quiet)

    assert len(await inventory.lines("late")) == 1


async def test_a_stopped_rebuild_changes_nothing_and_can_be_restarted_at_once(inventory: InventoryHarness) -> None:
    pace = Pace()
    found = await inventory.use_cases.messaging.rebuild_projection("inventory", pace, lambda *_: pace.stop.set())

    assert (found, await inventory.lines("order-1")) == (None, {})
    assert await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(), quiet)
    assert len(await inventory.lines("order-1")) == 1


async def test_a_rebuild_stopped_after_the_switch_does_not_wait_for_the_old_generation_to_be_deleted(
    inventory: InventoryHarness,
) -> None:
    pace = Pace()

    class Interrupted(MemoryProjections):
        async def promote(self, name: str, generation: int) -> None:
            await super().promote(name, generation)
            pace.stop.set()

    await inventory.take_in()
    old = Interrupted(inventory.application.storage.memory(), inventory.application.process.clock())
    use_case = RebuildProjection(
        old,
        inventory.application.storage.new_work,
        inventory.application.messaging.event_history(),
        inventory.application.messaging.record_store(),
        ROUTES,
        lambda: inventory.use_cases,
    )
    found = await use_case("inventory", pace, quiet)

    assert (found and found.forgotten, len(await inventory.lines("order-1"))) == (0, 1)
    assert (await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(), quiet)).forgotten == 12


async def test_a_rebuild_respects_its_rate(inventory: InventoryHarness) -> None:
    await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(1), quiet)

    assert asyncio.get_running_loop().time() == pytest.approx(4, abs=0.1)


async def test_a_slow_rebuild_renews_its_lease_every_second(inventory: InventoryHarness) -> None:
    heard: list[float] = []

    now = asyncio.get_running_loop().time
    await inventory.use_cases.messaging.rebuild_projection("inventory", Pace(1), lambda *_: heard.append(now()))

    assert heard == pytest.approx([0, 0, 1, 2, 3], abs=0.1)


async def test_a_database_that_stays_away_ends_it_before_its_lease_is_over(inventory: InventoryHarness) -> None:
    tried = 0

    async def away(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise Unavailable("the database is away")

    with pytest.raises(Unavailable):
        await replace(
            inventory.use_cases.messaging.rebuild_projection, routes=replace(ROUTES, projectors={"inventory": away})
        )("inventory", Pace(), quiet)
    assert tried == len(RETRY_BACKOFF_SECONDS) + 1
    assert asyncio.get_running_loop().time() < 5


async def test_the_next_page_is_read_while_one_is_written(inventory: InventoryHarness) -> None:
    pages, ahead = list[UUID | None](), asyncio.Event()

    class Watched(MemoryEventHistory):
        async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
            pages.append(after)
            if after:
                ahead.set()
            return await super().page(context, after, limit)

    async def slow(*_: object) -> None:
        await asyncio.wait_for(ahead.wait(), 1)

    use_case = inventory.use_cases.messaging.rebuild_projection
    history = Watched(inventory.application.storage.memory())
    await replace(use_case, history=history, routes=replace(ROUTES, projectors={"inventory": slow}))(
        "inventory", Pace(), quiet
    )

    assert len(pages) == len(set(pages)) == 3
