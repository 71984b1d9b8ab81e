"""The contract of `Tariffs`, for every adapter."""

import asyncio
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import func, update

from adapters.sql.fees.tables import fee_schedules
from config.container import Application
from core.fees.errors import UnknownSchedule
from tests.databases import statements
from tests.examples import NOON, a_schedule, publish
from tests.units_of_work import any_work

SHIPPED = sorted(Path("config/data/schedules").glob("*.toml"))


async def test_the_newest_version_is_in_force(stored: Application) -> None:
    tariffs = stored.fees.tariffs()
    await publish(stored, a_schedule(version=1))
    assert (await tariffs.current("sahyadri-test")).version == 1

    await publish(stored, a_schedule(version=2, amount=60_000))

    assert await tariffs.current("sahyadri-test") == a_schedule(version=2, amount=60_000)


async def test_a_slower_publisher_of_an_earlier_version_has_not_the_last_word(stored: Application) -> None:
    tariffs, first, second = stored.fees.tariffs(), a_schedule(version=1), a_schedule(version=2, amount=60_000)
    for schedule in (first, second):
        await publish(stored, schedule)
    await tariffs.put_in_force(second)
    await tariffs.put_in_force(first)

    assert await tariffs.current("sahyadri-test") == second


async def test_the_newest_version_is_read_past_the_cache(stored: Application) -> None:
    tariffs = stored.fees.tariffs()
    assert await tariffs.newest("sahyadri-test") is None
    await publish(stored, a_schedule(version=1))
    assert await tariffs.current("sahyadri-test") == a_schedule(version=1)
    async with any_work(stored) as work:
        work.schedules.add(a_schedule(version=2), NOON)
        await work.commit()

    assert await tariffs.newest("sahyadri-test") == a_schedule(version=2)


async def test_an_unknown_schedule_is_said_to_be(stored: Application) -> None:
    with pytest.raises(UnknownSchedule, match="nowhere"):
        await stored.fees.tariffs().current("nowhere")


async def test_what_no_schedule_can_be_called_is_unknown(stored: Application) -> None:
    with pytest.raises(UnknownSchedule):
        await stored.fees.tariffs().current("s" * 1_000_000)


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_concurrent_cache_misses_read_a_schedule_once(stored: Application) -> None:
    await publish(stored, a_schedule())
    asked = statements(stored)

    found = await asyncio.gather(*(stored.fees.tariffs().current("sahyadri-test") for _ in range(200)))

    assert found == [a_schedule()] * 200
    assert 0 < len(asked) <= 4


async def test_all_that_are_in_force_are_listed_once_by_code(stored: Application) -> None:
    for schedule in (a_schedule("b-one"), a_schedule("a-two"), a_schedule("b-one", version=2)):
        await publish(stored, schedule)

    listed = await stored.fees.tariffs().all()

    assert [(schedule.code, schedule.version) for schedule in listed] == [("a-two", 1), ("b-one", 2)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
async def test_every_shipped_schedule_survives_being_stored(stored: Application, path: Path) -> None:
    schedule = stored.fees.schedule_format().read(tomllib.loads(path.read_text()))
    async with any_work(stored) as work:
        work.schedules.add(schedule, NOON)
        await work.commit()

    assert await stored.fees.tariffs().current(schedule.code) == schedule


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_a_schedule_stored_with_the_former_word_for_an_audience_stays_readable(stored: Application) -> None:
    schedule = a_schedule()
    await publish(stored, schedule)
    database = stored.storage.database()
    async with database.transaction() as (connection, transaction):
        former = func.replace(fee_schedules.c.document, '"audience"', '"who"')
        assert (await connection.execute(update(fee_schedules).values(document=former))).rowcount == 1
        await transaction.commit()

    assert await stored.fees.tariffs().current(schedule.code) == schedule
