"""Rebuilds as whoever starts them sees them; the contract suite has what can happen meanwhile."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest

from adapters.memory.projections import MemoryEventHistory, MemoryProjections
from config.container import Application
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.kernel.pace import Pace
from core.messaging.projections import UnknownProjection
from core.messaging.rebuild_projection import RETRY_BACKOFF_SECONDS, RebuildProjection
from entrypoints.messages.replays import projection_builders
from tests.examples import NOON, StoppedClock
from tests.inventory_harness import Stores, quiet


@pytest.fixture
async def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setattr("core.messaging.rebuild_projection.EVENTS_PER_PAGE", 2)
    application = Application(settings=Settings(adapters=Adapters(persistence="memory")))
    application.driven.clock.override(StoppedClock())
    stores = Stores(application)
    await stores.buy("B-1")
    for number in range(4):
        await stores.allocate(f"order-{number}")
    return stores


async def test_an_unknown_projection_is_refused_with_the_known_ones(stores: Stores) -> None:
    with pytest.raises(UnknownProjection, match="there is inventory"):
        await stores.use_cases["rebuild_projection"]()("fees", Pace(), quiet)


async def test_a_rebuild_reports_progress(stores: Stores) -> None:
    heard: list[tuple[int, datetime]] = []

    await stores.use_cases["rebuild_projection"]()("inventory", Pace(), lambda *told: heard.append(told))

    assert heard == [(2, NOON), (4, NOON), (5, NOON)]


async def test_a_log_without_events_makes_an_empty_view(stores: Stores) -> None:
    stores.driven.store().events.clear()
    stores.driven.store().line_views[1, "order-1", "x"] = stores.driven.store().order_lines.popitem()[1]

    found = await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)

    assert (found.events, found.forgotten, await stores.lines("order-1")) == (0, 1, {})


async def test_events_projected_as_a_rebuild_begins_are_in_the_new_generation(stores: Stores) -> None:
    class Busy(MemoryEventHistory):
        async def newest(self, context: str) -> UUID | None:
            found = await super().newest(context)
            await stores.allocate("late")
            await stores.take_in()
            return found

    await stores.allocate("order-5")  # no page has room for more than was there
    use_case = RebuildProjection(stores.driven.projections(), Busy(stores.driven.store()))
    await use_case(projection_builders(stores.use_cases_alone), "inventory", Pace(), quiet)

    assert len(await stores.lines("late")) == 1


async def test_a_stopped_rebuild_changes_nothing_and_can_be_restarted_at_once(stores: Stores) -> None:
    pace = Pace()
    found = await stores.use_cases["rebuild_projection"]()("inventory", pace, lambda *_: pace.stop.set())

    assert (found, await stores.lines("order-1")) == (None, {})
    assert await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)
    assert len(await stores.lines("order-1")) == 1


async def test_a_rebuild_stopped_after_the_switch_does_not_wait_for_the_old_generation_to_be_deleted(
    stores: Stores,
) -> None:
    pace = Pace()

    class Interrupted(MemoryProjections):
        async def promote(self, name: str, generation: int) -> None:
            await super().promote(name, generation)
            pace.stop.set()

    await stores.take_in()
    old = Interrupted(stores.driven.store(), stores.driven.clock())
    use_case = RebuildProjection(old, stores.driven.history())
    found = await use_case(projection_builders(stores.use_cases_alone), "inventory", pace, quiet)

    assert (found and found.forgotten, len(await stores.lines("order-1"))) == (0, 1)
    assert (await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)).forgotten == 12


async def test_a_rebuild_respects_its_rate(stores: Stores) -> None:
    await stores.use_cases["rebuild_projection"]()("inventory", Pace(1), quiet)

    assert asyncio.get_running_loop().time() == pytest.approx(4, abs=0.1)


async def test_a_slow_rebuild_renews_its_lease_every_second(stores: Stores) -> None:
    heard: list[float] = []

    now = asyncio.get_running_loop().time
    await stores.use_cases["rebuild_projection"]()("inventory", Pace(1), lambda *_: heard.append(now()))

    assert heard == pytest.approx([0, 0, 1, 2, 3], abs=0.1)


async def test_a_database_that_stays_away_ends_it_before_its_lease_is_over(stores: Stores) -> None:
    tried = 0

    async def away(*_: object) -> None:
        nonlocal tried
        tried += 1
        raise Unavailable("nobody is there")

    with pytest.raises(Unavailable):
        await stores.use_cases_alone["rebuild_projection"]()({"inventory": away}, "inventory", Pace(), quiet)
    assert tried == len(RETRY_BACKOFF_SECONDS) + 1
    assert asyncio.get_running_loop().time() < 5
