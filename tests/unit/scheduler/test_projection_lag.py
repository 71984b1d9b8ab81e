from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from entrypoints.scheduler.projection_lag import PROJECTION_LAG_SECONDS, measure_projection_lag
from tests.applications import an_application
from tests.examples import StoppedClock
from tests.inventory_harness import InventoryHarness


@pytest.fixture
def inventory() -> Iterator[InventoryHarness]:
    application = an_application()
    application.process.clock.override(StoppedClock())
    yield InventoryHarness(application)
    with suppress(KeyError):
        REGISTRY.unregister(PROJECTION_LAG_SECONDS)


async def lag(inventory: InventoryHarness) -> float | None:
    assert (
        await measure_projection_lag(
            inventory.application.inventory.projection_progress(), inventory.application.process.clock()
        )
        == {}
    )
    return REGISTRY.get_sample_value("bursar_projection_lag_seconds", {"projection": "inventory"})


async def test_projection_lag_is_the_age_of_the_oldest_unprojected_event(
    inventory: InventoryHarness,
) -> None:
    clock = inventory.application.process.clock()
    assert await lag(inventory) == 0
    await inventory.buy("B-1")
    clock.pass_by(timedelta(seconds=90))
    await inventory.buy("B-2", sku="GOWN")
    assert await lag(inventory) == 90
    clock.pass_by(timedelta(seconds=30))
    assert await lag(inventory) == 120

    await inventory.take_in((await inventory.announced())[:1])
    assert await lag(inventory) == 30
    await inventory.take_in()
    assert await lag(inventory) == 0


async def test_a_clock_that_is_behind_gives_no_negative_lag(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    inventory.application.process.clock().pass_by(timedelta(seconds=-5))

    assert await lag(inventory) == 0


def test_no_lag_is_reported_before_the_first_probe() -> None:
    assert REGISTRY.get_sample_value("bursar_projection_lag_seconds", {"projection": "inventory"}) is None
