"""The migrations: each upgrade has a downgrade, and the last revision is the schema that the program needs."""

import re
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
from core.kernel.errors import Conflict, Unavailable
from tests.documentation import ROOT_DIRECTORY

RUNBOOK = ROOT_DIRECTORY / "docs/runbook.md"
pytestmark = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
RENAME = {
    "mysql": re.findall(r"```sql\n(UPDATE students.*?);\n```", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL)[0],
    "sqlite": "UPDATE students SET registration = registration || '.' || SUBSTR(HEX(id), -8)"
    " WHERE id NOT IN (SELECT MIN(id) FROM students GROUP BY LOWER(registration))",
}
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
        await migrate(database, "-1")
        await migrate(database, revision)
    assert set(await look(database, tables_of)) >= set(metadata.tables)

    await migrate(database, "base")
    assert await look(database, tables_of) == ["alembic_version"]


async def test_the_last_step_is_what_the_program_needs(database: Database) -> None:
    await migrate(database)

    assert await look(database, differences) == []


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert await ensure_migrated(database) == await ensure_migrated(database) == REVISIONS[-1]
    assert await look(database, current_version) == REVISIONS[-1]


async def test_a_program_that_needs_another_schema_says_so(stored_settings: Settings, database: Database) -> None:
    await migrate(database, "base")
    async with running(Application(settings=stored_settings)) as application:
        with pytest.raises(Unavailable, match="the schema is at nothing, this program needs"):
            await application.storage.persistence_probe().check()


async def test_students_in_two_spellings_stop_the_step_before_it_changes_anything(database: Database) -> None:
    await migrate(database, "0010")
    columns = "id, registration, name, category, country, centre, certificates, email, phone, language"
    async with database.autocommit() as connection:
        for student in ("SU-1", "su-1", "su-2", "Su-3", "sU-3", "SU-3"):
            row = f"X'{student.encode().hex():0>32}', '{student}', 'Asha', 'general', 'IN', '', '[]', '', '', 'en'"
            await connection.exec_driver_sql(f"INSERT INTO students ({columns}) VALUES ({row})")

    with pytest.raises(Conflict, match=r"nothing was changed.*(SU-1 and su-1|su-1 and SU-1); .*rename all but one"):
        await migrate(database)
    assert await look(database, current_version) == "0010"

    async with database.autocommit() as connection:
        await connection.exec_driver_sql(RENAME[connection.dialect.name])
    await migrate(database)
    async with database.reading() as connection:
        keys = (await connection.exec_driver_sql("SELECT registration_key FROM students ORDER BY 1")).scalars()
    assert len(set(keys)) == 6


def tables_of(connection: Connection) -> list[str]:
    return sorted(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
