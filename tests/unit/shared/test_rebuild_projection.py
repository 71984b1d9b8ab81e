"""Rebuilds as whoever starts them sees them; the contract suite has what can happen meanwhile."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest

from adapters.memory.projections import MemoryHistory, MemoryProjections
from config.container import Application
from config.settings import Adapters, Settings
from core.shared.errors import Unavailable
from core.shared.pace import Pace
from core.shared.projections import UnknownProjection
from core.shared.rebuild_projection import PAUSES, RebuildProjection
from entrypoints.consumer.replays import builds
from tests.examples import NOON, StoppedClock
from tests.stores import Stores, quiet


@pytest.fixture
async def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setattr("core.shared.rebuild_projection.PAGE", 2)
    application = Application(settings=Settings(adapters=Adapters(persistence="memory")))
    application.driven.clock.override(StoppedClock())
    stores = Stores(application)
    await stores.buy("B-1")
    for number in range(4):
        await stores.allocate(f"order-{number}")
    return stores


async def test_a_projection_nobody_has_is_refused_with_those_that_there_are(stores: Stores) -> None:
    with pytest.raises(UnknownProjection, match="there is inventory"):
        await stores.use_cases["rebuild_projection"]()("fees", Pace(), quiet)


async def test_somebody_hears_how_far_it_is(stores: Stores) -> None:
    heard: list[tuple[int, datetime]] = []

    await stores.use_cases["rebuild_projection"]()("inventory", Pace(), lambda *told: heard.append(told))

    assert heard == [(2, NOON), (4, NOON), (5, NOON)]


async def test_a_log_without_events_makes_an_empty_view(stores: Stores) -> None:
    stores.driven.store().events.clear()
    stores.driven.store().line_views[1, "order-1", "x"] = stores.driven.store().order_lines.popitem()[1]

    found = await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)

    assert (found.events, found.forgotten, await stores.lines("order-1")) == (0, 1, {})


async def test_what_is_announced_and_taken_in_as_it_begins_is_missed_by_nobody(stores: Stores) -> None:
    class Busy(MemoryHistory):
        async def newest(self, context: str) -> UUID | None:
            found = await super().newest(context)
            await stores.allocate("late")
            await stores.take_in()
            return found

    await stores.allocate("order-5")  # no page has room for more than was there
    use_case = RebuildProjection(stores.driven.projections(), Busy(stores.driven.store()))
    await use_case(builds(stores.use_cases_alone), "inventory", Pace(), quiet)

    assert len(await stores.lines("late")) == 1


async def test_who_stops_it_leaves_everything_as_it_was_and_can_begin_anew_at_once(stores: Stores) -> None:
    pace = Pace()
    found = await stores.use_cases["rebuild_projection"]()("inventory", pace, lambda *_: pace.stop.set())

    assert (found, await stores.lines("order-1")) == (None, {})
    assert await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)
    assert len(await stores.lines("order-1")) == 1


async def test_who_stops_it_once_the_new_is_read_does_not_wait_until_the_old_is_forgotten(stores: Stores) -> None:
    pace = Pace()

    class Interrupted(MemoryProjections):
        async def switch(self, name: str, generation: int) -> None:
            await super().switch(name, generation)
            pace.stop.set()

    await stores.take_in()
    old = Interrupted(stores.driven.store(), stores.driven.clock())
    use_case = RebuildProjection(old, stores.driven.history())
    found = await use_case(builds(stores.use_cases_alone), "inventory", pace, quiet)

    assert (found and found.forgotten, len(await stores.lines("order-1"))) == (0, 1)
    assert (await stores.use_cases["rebuild_projection"]()("inventory", Pace(), quiet)).forgotten == 12


async def test_it_goes_no_faster_than_it_may(stores: Stores) -> None:
    await stores.use_cases["rebuild_projection"]()("inventory", Pace(1), quiet)

    assert asyncio.get_running_loop().time() == pytest.approx(4, abs=0.1)


async def test_a_slow_one_shows_every_second_that_it_lives(stores: Stores) -> None:
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
    assert tried == len(PAUSES) + 1
    assert asyncio.get_running_loop().time() < 5
