"""A migration that is cut on MySQL, where DDL cannot be rolled back, continues when it is run again."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, event, inspect, text

from adapters.sql.engine.database import Database
from adapters.sql.engine.existing_objects import had_effect
from adapters.sql.engine.migrate import migrate
from adapters.sql.engine.migration_journal import LAST_REVISION_WITHOUT_JOURNAL, WRITES
from adapters.sql.engine.schema_version import JOURNAL
from config.container import running
from config.sections.section import Secret
from config.settings import Settings
from core.kernel.errors import Conflict, Unavailable
from core.kernel.schema import MigrationFailed
from tests import databases
from tests.applications import an_application
from tests.integration.test_migrations import REVISIONS, look

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
TABLE = (
    "CREATE TABLE t (a INTEGER NOT NULL, b VARCHAR(9), z INTEGER,"
    " CONSTRAINT ck_t CHECK (a > 0), CONSTRAINT uq_t UNIQUE (b))"
)


class Cut(Exception):
    """The process was killed at this point."""


@pytest.fixture
async def database(stored_settings: Settings) -> AsyncIterator[Database]:
    async with running(an_application(stored_settings)) as application:
        yield application.storage.database()


@contextmanager
def cut_after_every_new_write(database: Database) -> Iterator[set[tuple[str, str, int]]]:
    """Cut a connection after each write that was not made before; the transaction is lost with it."""
    made: set[tuple[str, str, int]] = set()
    seen: list[tuple[str, str]] = []

    def after(_connection: Any, _cursor: Any, statement: str, values: Any, *_: object) -> None:
        if not WRITES.match(statement) or JOURNAL in statement:
            return
        key = statement, repr(values)
        seen.append(key)
        number = *key, seen.count(key)
        if number not in made:
            made.add(number)
            seen.clear()
            raise Cut

    event.listen(database.engine.sync_engine, "after_cursor_execute", after)
    yield made
    event.remove(database.engine.sync_engine, "after_cursor_execute", after)


async def schema(database: Database) -> Mapping[str, str]:
    def question(connection: Connection) -> Mapping[str, str]:
        names = inspect(connection).get_table_names()
        made = {name: connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").one()[1] for name in names}
        rows = {name: repr(connection.exec_driver_sql(f"SELECT * FROM {name}").all()) for name in names}
        return {name: re.sub(r" AUTO_INCREMENT=\d+", "", made[name]) + rows[name] for name in names}

    answer: Mapping[str, str] = await look(database, question)
    return answer


async def migrate_through_cuts(database: Database, target: str, *, keep_journal: bool = True) -> int:
    with cut_after_every_new_write(database):
        for cuts in count():
            try:
                await migrate(database, target, may_lose_data=True)
            except Cut:
                if not keep_journal:
                    async with database.autocommit() as connection:
                        await connection.execute(text(f"DROP TABLE IF EXISTS {JOURNAL}"))
            else:
                return cuts
    raise AssertionError


@pytest.mark.parametrize("keep_journal", [True, False], ids=["journal", "cut by a program without journal"])
async def test_a_migration_cut_after_any_statement_continues(database: Database, keep_journal: bool) -> None:
    head = "head" if keep_journal else LAST_REVISION_WITHOUT_JOURNAL
    await migrate(database, head)
    whole = await schema(database)
    await migrate(database, "base", may_lose_data=True)

    up = await migrate_through_cuts(database, head, keep_journal=keep_journal)
    assert await schema(database) == whole
    down = await migrate_through_cuts(database, "base", keep_journal=keep_journal)
    assert set(await schema(database)) == {"alembic_version"}
    assert min(up, down) > 40


async def test_a_cut_migration_can_be_undone_instead(database: Database) -> None:
    await migrate(database, "0003")
    before = await schema(database)
    with cut_after_every_new_write(database) as made:
        while len(made) < 5:
            with pytest.raises(Cut):
                await migrate(database, "0004")
    assert await schema(database) != before

    await migrate(database, "0003", may_lose_data=True)

    assert await schema(database) == before


async def test_a_cut_downgrade_can_be_taken_back(database: Database) -> None:
    await migrate(database, "0010")
    before = await schema(database)
    with cut_after_every_new_write(database) as made:
        while len(made) < 4:
            with pytest.raises(Cut):
                await migrate(database, "0009", may_lose_data=True)
    assert await schema(database) != before

    await migrate(database, "0010")

    assert await schema(database) == before


async def test_a_killed_process_leaves_what_the_next_one_continues(stored_settings: Settings, tmp_path: Path) -> None:
    server = stored_settings.mysql
    (tmp_path / "office.toml").write_text(
        f'[adapters]\npersistence = "mysql"\n[mysql]\nhost = "{server.host}"\nport = {server.port}\n'
        f'database = "{server.database}"\nuser = "{server.user}"\npassword = "{server.password.reveal()}"\n'
    )
    command = [sys.executable, "-m", "entrypoints", "migrate", "--config", str(tmp_path / "office.toml")]
    async with databases.root_of(server) as run:
        asked = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s"
        killed = subprocess.Popen(command)
        while (await run(asked, server.database))[0][0] < 8:
            await asyncio.sleep(0.002)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stderr
    assert f"to {REVISIONS[-1]}" in again.stdout


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (TABLE, True),
        (TABLE.replace("VARCHAR(9)", "VARCHAR(8)"), False),
        ("CREATE TABLE t (a INTEGER NOT NULL)", False),
        ("ALTER TABLE t ADD COLUMN b VARCHAR(9)", True),
        ("ALTER TABLE t ADD COLUMN b VARCHAR(9), ADD COLUMN a INTEGER NOT NULL", True),
        ("ALTER TABLE t ADD COLUMN b VARCHAR(9) DEFAULT 'x'", False),
        ("ALTER TABLE t ADD CONSTRAINT uq_t UNIQUE (b)", True),
        ("CREATE INDEX uq_t ON t (b)", False),
        ("CREATE UNIQUE INDEX uq_t ON t (a)", False),
        ("ALTER TABLE t ADD CONSTRAINT ck_t CHECK (a > 0)", True),
        ("ALTER TABLE t ADD CONSTRAINT ck_t CHECK (a > 1)", False),
        ("ALTER TABLE t RENAME COLUMN old TO b", True),
        ("ALTER TABLE t CHANGE old b VARCHAR(9)", True),
        ("ALTER TABLE t RENAME COLUMN old TO other", False),
        ("ALTER TABLE t DROP COLUMN gone", True),
        ("ALTER TABLE t DROP COLUMN gone, ADD COLUMN c INTEGER", False),
        ("DROP INDEX gone ON t", True),
        ("DROP TABLE gone", True),
        ("DROP INDEX ix ON gone", True),
        ("ALTER TABLE old RENAME TO t", True),
        ("ALTER TABLE t ADD COLUMN c NONSENSE", False),
    ],
)  # fmt: skip
async def test_what_is_there_is_accepted_only_in_the_wanted_shape(
    database: Database, statement: str, wanted: bool
) -> None:
    def ask(connection: Connection) -> bool:
        def run(sql: str) -> Any:
            cursor = connection.connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else ()

        run(TABLE)
        with pytest.raises(Exception) as refused:
            run(statement)
        return had_effect(run, statement, refused.value)

    assert await look(database, ask) is wanted


@pytest.mark.parametrize(
    ("user", "said"), [("stranger", "MySQL refuses: Access denied"), ("reader", "denied to user 'reader'")]
)
async def test_an_account_that_may_not_migrate_is_no_passing_fault(
    stored_settings: Settings, user: str, said: str
) -> None:
    server = stored_settings.mysql
    async with databases.root_of(server) as run:
        await run("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'secret'")
        await run(f"GRANT SELECT ON {server.database}.* TO reader")
    account = replace(stored_settings, mysql=replace(server, user=user, password=Secret("secret")))
    async with running(an_application(account)) as application:
        with pytest.raises(MigrationFailed, match=said):
            await application.storage.migrate()


async def test_an_account_that_may_only_read_is_not_ready(stored_settings: Settings) -> None:
    server = stored_settings.mysql
    async with databases.root_of(server) as run:
        await run("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'secret'")
        await run(f"GRANT SELECT ON {server.database}.* TO reader")
    await databases.migrate(stored_settings)
    account = replace(stored_settings, mysql=replace(server, user="reader", password=Secret("secret")))
    async with running(an_application(account)) as application:
        with pytest.raises(Unavailable, match="denied to user"):
            await application.storage.persistence_probe().check()


async def test_a_table_of_another_program_is_no_begun_migration(database: Database) -> None:
    await migrate(database, "0001")
    await migrate(database, "base")
    async with database.autocommit() as connection:
        await connection.execute(text("CREATE TABLE students (id INTEGER PRIMARY KEY, gpa FLOAT)"))

    with pytest.raises(Exception, match=r"migration 0001 up was refused.*students"):
        await migrate(database)


async def test_a_database_of_another_program_is_refused(database: Database) -> None:
    async with database.autocommit() as connection:
        await connection.execute(text("CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)"))

    with pytest.raises(Conflict, match=r"another program \(wp_posts\)"):
        await migrate(database)
