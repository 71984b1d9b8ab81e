"""The migrations: each upgrade has a downgrade, and the last revision is the schema that the program needs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from adapters.sql.engine.database import Database
from adapters.sql.engine.migrate import configuration, migrate
from adapters.sql.engine.schema_version import current_version, ensure_migrated
from adapters.sql.schema import metadata
from config.container import Application, running
from config.settings import Settings
from core.kernel.errors import Unavailable

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
REVISIONS = [script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


@pytest.fixture
async def database(stored_settings: Settings) -> AsyncIterator[Database]:
    async with running(Application(settings=stored_settings)) as application:
        yield application.storage.database()


async def look(database: Database, question: Any) -> Any:
    async with database.reading() as connection:
        return await connection.run_sync(question)


async def test_every_step_goes_up_down_and_up_again(database: Database) -> None:
    for revision in REVISIONS:
        await migrate(database, revision)
        await migrate(database, "-1", may_lose_data=True)
        await migrate(database, revision)
    assert set(await look(database, tables_of)) >= set(metadata.tables)

    await migrate(database, "base", may_lose_data=True)
    assert await look(database, tables_of) == ["alembic_version"]


async def test_the_last_step_is_what_the_program_needs(database: Database) -> None:
    await migrate(database)

    assert await look(database, differences) == []


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    first, second = await ensure_migrated(database), await ensure_migrated(database)
    assert (first.before, first.after) == ("base", REVISIONS[-1])
    assert second.before == second.after == second.newest == REVISIONS[-1]
    assert await look(database, current_version) == REVISIONS[-1]


async def test_a_program_that_needs_another_schema_says_so(stored_settings: Settings, database: Database) -> None:
    await migrate(database, "base")
    async with running(Application(settings=stored_settings)) as application:
        with pytest.raises(Unavailable, match="the schema is at nothing, this program needs"):
            await application.storage.persistence_probe().check()


def tables_of(connection: Connection) -> list[str]:
    return sorted(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
