"""The migrations: each upgrade has a downgrade, and the last revision is the schema that the program needs."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, text

from adapters.sql.engine.database import Database
from adapters.sql.engine.ensure_migrated import ensure_migrated
from adapters.sql.engine.migrate import configuration, migrate
from adapters.sql.engine.schema_version import current_version
from adapters.sql.engine.tables import heartbeat
from adapters.sql.messaging.tables import relays
from adapters.sql.schema import metadata
from config.container import running
from config.settings import Settings
from core.kernel.errors import Conflict, Unavailable
from core.kernel.schema import DataWouldBeLost, SchemaIsNewer
from tests.applications import an_application
from tests.documentation import ROOT_DIRECTORY
from tests.examples import a_message

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
    async with running(an_application(stored_settings)) as application:
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


async def test_processes_that_migrate_at_once_take_turns(stored_settings: Settings) -> None:
    async def one() -> str:
        async with running(an_application(stored_settings)) as application:
            change = await application.storage.migrate()
            return str(change.before)

    assert sorted(await asyncio.gather(*(one() for _ in range(3)))) == [*[REVISIONS[-1]] * 2, "base"]


async def test_a_program_that_needs_another_schema_says_so(stored_settings: Settings, database: Database) -> None:
    await migrate(database, "base")
    async with running(an_application(stored_settings)) as application:
        with pytest.raises(Unavailable, match="the schema is at nothing, this program needs"):
            await application.storage.persistence_probe().check()


async def test_students_in_two_spellings_stop_the_step_before_it_changes_anything(database: Database) -> None:
    await migrate(database, "0012")
    columns = "id, registration, name, category, country, centre, certificates, email, phone, language"
    async with database.autocommit() as connection:
        for student in ("SU-1", "su-1", "su-2", "Su-3", "sU-3", "SU-3"):
            row = f"X'{student.encode().hex():0>32}', '{student}', 'Asha', 'general', 'IN', '', '[]', '', '', 'en'"
            await connection.exec_driver_sql(f"INSERT INTO students ({columns}) VALUES ({row})")

    with pytest.raises(Conflict, match=r"nothing was changed.*(SU-1 and su-1|su-1 and SU-1); .*rename all but one"):
        await migrate(database)
    assert await look(database, current_version) == "0012"

    async with database.autocommit() as connection:
        await connection.exec_driver_sql(RENAME[connection.dialect.name])
    await migrate(database)
    async with database.reading() as connection:
        keys = (await connection.exec_driver_sql("SELECT registration_key FROM students ORDER BY 1")).scalars()
    assert len(set(keys)) == 6


async def test_a_student_with_two_accounts_stops_the_step_before_it_changes_anything(database: Database) -> None:
    await migrate(database, "0020")
    async with database.autocommit() as connection:
        for number, student in enumerate(("S" * 16, "S" * 16, "T" * 16, None, None), 1):
            values = {"id": b"%016d" % number, "student": student and student.encode()}
            await connection.execute(text(AN_ACCOUNT), values)

    with pytest.raises(Conflict, match=r"nothing was changed.*: (\S+ and \S+) of student 5353\S+; .*student_id = NULL"):
        await migrate(database)
    assert await look(database, current_version) == "0020"
    assert "one_time_secrets" not in await look(database, tables_of)

    async with database.autocommit() as connection:
        await connection.execute(text("UPDATE accounts SET student_id = NULL WHERE id = :id"), {"id": b"%016d" % 2})
    await migrate(database)


async def test_going_down_through_rows_needs_consent_and_names_them(database: Database) -> None:
    await migrate(database)
    async with database.autocommit() as connection:
        await connection.execute(insert(relays).values(holder="r", until=datetime(2026, 1, 1, tzinfo=UTC)))

    with pytest.raises(DataWouldBeLost, match=r"to 0001 deletes.*relays \(1 rows\)") as lost:
        await migrate(database, "0001")
    assert "relay_leases (64 rows)" in str(lost.value)
    assert not {"skus", "delivery_attempts", "dead_letters"} & set(str(lost.value).replace(".", " ").split())
    assert await look(database, differences) == []

    change = await migrate(database, "0001", may_lose_data=True)
    assert (change.before, change.after) == (REVISIONS[-1], "0001")


async def test_columns_of_filled_tables_are_data(database: Database) -> None:
    await migrate(database, "0003")
    async with database.autocommit() as connection:
        await connection.execute(
            text(
                "INSERT INTO deliveries (id, notice_id, about_id, student_id, channel, template, facts, state,"
                " attempts, due_at, reason) VALUES ('1', '1', '1', '1', '', '', '', '', 0, '2026-01-01', '')"
            )
        )

    with pytest.raises(DataWouldBeLost, match=r"column deliveries.traceparent \(1 rows\)"):
        await migrate(database, "-1")


AN_ACCOUNT = (
    "INSERT INTO accounts (id, roles, name, email, centre, student_id, active, created_at, version)"
    " VALUES (:id, '[]', 'Asha', '', '', :student, 1, '2026-01-01', 1)"
)
STUDENT = (
    "INSERT INTO students (id, registration, name, category, country, centre, certificates, email, phone, language)"
    " VALUES ('1', 'SU-1', 'Asha', 'student', 'IN', '', '[]', 'asha@example.org', '', 'en')"
)


@pytest.mark.parametrize(
    ("row_of_before", "state"),
    [
        (None, "encrypted"),
        (STUDENT, "plain"),
        ("INSERT INTO heartbeat (id, at, padding) VALUES (1, '2026-01-01', '')", "plain"),
        ("INSERT INTO relays (holder, until) VALUES ('r', '2026-01-01')", "plain"),
    ],
    ids=["new", "filled roster", "empty roster, ready before", "empty roster, relayed before"],
)
async def test_contacts_stay_plain_where_processes_of_the_version_before_may_run(
    database: Database, row_of_before: str | None, state: str
) -> None:
    await migrate(database, "0017")
    async with database.autocommit() as connection:
        if row_of_before:
            await connection.exec_driver_sql(row_of_before)
    await migrate(database)

    async with database.reading() as connection:
        query = "SELECT state FROM column_encryption WHERE table_name = 'students'"
        assert list((await connection.exec_driver_sql(query)).scalars()) == [state]


async def test_what_readiness_wrote_is_no_data(database: Database) -> None:
    await migrate(database, "0014")
    async with database.autocommit() as connection:
        await connection.execute(insert(heartbeat).values(id=1, at=datetime(2026, 1, 1, tzinfo=UTC), padding=b""))

    assert (await migrate(database, "0013")).after == "0013"


@pytest.mark.parametrize(
    ("version", "said", "error"),
    [("9999", "a newer program", SchemaIsNewer), ("ae1027a6acf", "another program", Conflict)],
)
async def test_a_version_of_another_program_is_refused(
    stored_settings: Settings, database: Database, version: str, said: str, error: type[Conflict]
) -> None:
    await migrate(database)
    async with database.autocommit() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})

    for target in ("head", "0003", "-1"):
        with pytest.raises(error, match=f"at {version}.*{said}"):
            await migrate(database, target, may_lose_data=True)
    assert await look(database, current_version) == version

    async with running(an_application(stored_settings)) as application:
        check = application.storage.persistence_probe().check
        if (
            error is SchemaIsNewer
        ):  # a program works on the schema of the next version, or no update could be rolled out
            assert "newer than this program's" in await check()
        else:
            with pytest.raises(Unavailable):
                await check()


async def test_a_filled_inbox_keeps_its_messages(stored_settings: Settings, database: Database) -> None:
    """Rows of the version before have no fingerprint, and its processes go on to insert such rows."""
    messages = [a_message(), a_message()]
    old = text("INSERT INTO inbox (consumer, message_id, at) VALUES ('bursar', :id, '2026-11-20 12:00:00')")
    for revision, message in zip(("0010", "head"), messages, strict=True):
        await migrate(database, revision)
        async with database.writing() as connection:
            await connection.execute(old, {"id": message.id.bytes})
            await connection.commit()

    async with running(an_application(stored_settings)) as application:
        for message in messages:
            async with application.messaging.new_inbox() as inbox:
                assert not await inbox.deduplicate(message)
        async with application.messaging.new_inbox() as inbox:
            assert len(await inbox.deduplicate(*messages, a_message())) == 1


def tables_of(connection: Connection) -> list[str]:
    return sorted(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
