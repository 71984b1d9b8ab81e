"""Migrations change tables of MySQL only while others read and write them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from adapters.sql.engine.database import Database
from adapters.sql.engine.migrate import migrate
from adapters.sql.engine.online_changes import execute_online
from benchmarks.migrations import LARGE_TABLES, SMALL_TABLES
from config.container import running
from config.settings import Settings
from tests.applications import an_application
from tests.integration.test_migrations import REVISIONS, look, tables_of

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
CHANGES = (
    "SELECT digest_text FROM performance_schema.events_statements_summary_by_digest WHERE schema_name = DATABASE()"
    " AND digest_text REGEXP '^(EXECUTE )?(ALTER TABLE|(CREATE|DROP) [A-Z ]*INDEX)'"
)
FORGET = "TRUNCATE performance_schema.events_statements_summary_by_digest"
TABLE = re.compile(r"(?:ALTER TABLE|INDEX `\w+` ON) `(\w+)`")
WAITING = "SELECT COUNT(*) FROM performance_schema.threads WHERE processlist_state = 'Waiting for table metadata lock'"


@pytest.fixture
async def database(stored_settings: Settings) -> AsyncIterator[Database]:
    async with running(an_application(stored_settings)) as application:
        yield application.storage.database()


async def ask(database: Database, statement: str) -> Sequence[Any]:
    async with database.autocommit() as connection:
        found = await connection.exec_driver_sql(statement)
        return list(found.scalars()) if found.returns_rows else []


async def changes(database: Database, target: str) -> list[str]:
    """Migrate, and return the statements that changed a table or tried to."""
    await ask(database, FORGET)
    await migrate(database, target, may_lose_data=True)
    return await ask(database, CHANGES)


async def test_each_change_of_a_table_says_that_it_is_online(database: Database) -> None:
    changed: dict[str, list[str]] = {}
    for revision in REVISIONS:
        there = await look(database, tables_of)
        done = await changes(database, revision)
        assert [each for each in done if not re.search("INSTANT|`INPLACE` ,? ?LOCK = NONE", each)] == []
        for table in sorted({TABLE.search(each)[1] for each in done} & set(there) - SMALL_TABLES):
            changed.setdefault(table, []).append(revision)
    assert changed == {table: list(revisions) for table, revisions in LARGE_TABLES.items()}, "measure the new one"

    assert [each for each in await changes(database, "base") if "ALGORITHM" not in each] == []


@pytest.mark.parametrize("change", ["MODIFY COLUMN language VARCHAR(100) NOT NULL", "ADD CHECK (name <> '')"])
async def test_a_change_that_stops_writers_is_refused_unless_the_migration_says_so(
    database: Database, change: str
) -> None:
    await migrate(database)

    async def run(statement: str) -> None:
        async with database.writing() as connection:
            await connection.run_sync(lambda sync: execute_online(sync.connection.cursor().execute, statement))

    with pytest.raises(Exception, match="Try ALGORITHM=COPY"):
        await run(f"ALTER TABLE students {change}")
    await run(f"ALTER TABLE students {change}, ALGORITHM=COPY")


async def test_a_change_that_waits_for_a_long_transaction_lets_others_write(database: Database) -> None:
    await migrate(database, "0011")
    async with database.writing() as long_transaction:
        await long_transaction.execute(text("SELECT * FROM inbox"))
        migrating = asyncio.create_task(migrate(database, "0012"))
        for number in (b"1", b"2"):
            async with asyncio.timeout(30):
                while not (await ask(database, WAITING))[0]:
                    await asyncio.sleep(0.01)
                await ask(database, f"INSERT INTO inbox VALUES ('bursar', '{number.decode():0>16}', '2026-11-20')")
        assert not migrating.done()
        await long_transaction.rollback()
    async with asyncio.timeout(60):
        assert (await migrating).after == "0012"
