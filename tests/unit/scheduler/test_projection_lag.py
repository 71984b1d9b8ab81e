from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from config.container import Application
from config.settings import Adapters, Settings
from entrypoints.scheduler.projection_lag import PROJECTION_LAG_SECONDS, measure_projection_lag
from tests.examples import StoppedClock
from tests.inventory_harness import Stores


@pytest.fixture
def stores() -> Iterator[Stores]:
    application = Application(settings=Settings(adapters=Adapters(persistence="memory")))
    application.driven.clock.override(StoppedClock())
    yield Stores(application)
    with suppress(KeyError):
        REGISTRY.unregister(PROJECTION_LAG_SECONDS)


async def lag(stores: Stores) -> float | None:
    assert await measure_projection_lag(stores.driven.projection_progress(), stores.driven.clock()) == {}
    return REGISTRY.get_sample_value("bursar_projection_lag_seconds", {"projection": "inventory"})


async def test_projection_lag_is_the_age_of_the_oldest_unprojected_event(
    stores: Stores,
) -> None:
    clock = stores.driven.clock()
    assert await lag(stores) == 0
    await stores.buy("B-1")
    clock.pass_by(timedelta(seconds=90))
    await stores.buy("B-2", sku="GOWN")
    assert await lag(stores) == 90
    clock.pass_by(timedelta(seconds=30))
    assert await lag(stores) == 120

    await stores.take_in((await stores.announced())[:1])
    assert await lag(stores) == 30
    await stores.take_in()
    assert await lag(stores) == 0


async def test_a_clock_that_is_behind_makes_no_lag_below_nothing(stores: Stores) -> None:
    await stores.buy("B-1")
    stores.driven.clock().pass_by(timedelta(seconds=-5))

    assert await lag(stores) == 0


def test_no_lag_is_reported_before_the_first_probe() -> None:
    assert REGISTRY.get_sample_value("bursar_projection_lag_seconds", {"projection": "inventory"}) is None
