import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from adapters.sql.engine import connections, database
from adapters.sql.engine.probe import SqlProbe
from config.container import Application, running
from config.settings import Settings
from core.kernel.errors import Unavailable
from tests import databases
from tests.applications import an_application
from tests.examples import StoppedClock

THERE = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %s"


async def test_an_error_of_the_database_does_not_tell_what_was_written(tmp_path: Path) -> None:
    file = database.sqlite(str(tmp_path / "bursar.db"))
    async with file.autocommit() as connection:
        await connection.execute(text("CREATE TABLE people (email TEXT UNIQUE)"))
        insert = text("INSERT INTO people VALUES (:email)")
        await connection.execute(insert, {"email": "asha@example.org"})
        with pytest.raises(IntegrityError) as refused:
            await connection.execute(insert, {"email": "asha@example.org"})
    await file.close()

    assert "asha" not in str(refused.value)


async def test_only_its_owner_reads_a_new_file(tmp_path: Path) -> None:
    file = database.sqlite(str(tmp_path / "bursar.db"))
    async with file.autocommit() as connection:
        await connection.execute(text("CREATE TABLE people (email TEXT UNIQUE)"))
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    await file.close()

    assert modes == dict.fromkeys(("bursar.db", "bursar.db-wal", "bursar.db-shm"), 0o600)


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_a_closed_database_lets_reads_end_and_refuses_others(stored_settings: Settings) -> None:
    async with running(an_application(stored_settings)) as application:
        sql = application.storage.database()
        begun = asyncio.Event()

        async def read() -> int | None:
            async with sql.reading() as connection:
                begun.set()
                return await connection.scalar(text("SELECT 1"))

        reading = asyncio.create_task(read())
        await begun.wait()

    assert reading.done()
    assert await reading == 1
    with pytest.raises(Unavailable, match="closed"):
        await read()


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_a_pooled_connection_closed_while_idle_is_replaced_silently(
    stored: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PING_AFTER_IDLE_SECONDS", 0.0)
    sql = stored.storage.database()
    for lend in (sql.writing, sql.reading):
        async with lend() as connection:
            ours = await connection.scalar(text("SELECT CONNECTION_ID()"))
        async with databases.root_of(stored.settings().mysql) as run:
            await run(f"KILL {ours}")
            while (await run(THERE, ours))[0][0]:
                await asyncio.sleep(0.01)
        async with lend() as connection:
            assert await connection.scalar(text("SELECT CONNECTION_ID()")) != ours


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
@pytest.mark.parametrize(("seconds", "side"), [(60, r"(60.0|59.\d) s ahead of"), (-60, r"60\.\d s behind")])
async def test_a_machine_whose_clock_is_off_is_not_ready(stored: Application, seconds: int, side: str) -> None:
    off = StoppedClock(datetime.now(UTC) + timedelta(seconds=seconds))

    assert await stored.storage.persistence_probe().check()
    with pytest.raises(Unavailable, match=f"clock is {side}"):
        await SqlProbe("mysql", stored.storage.database(), off).check()
