"""Runs schema migrations with Alembic: serialised, repeatable after a cut, and never through data without consent."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.data_loss import losses
from adapters.sql.engine.database import Database
from adapters.sql.engine.driver_errors import MIGRATING
from adapters.sql.engine.migration_journal import MigrationJournal, Step
from adapters.sql.engine.migration_target import BASE, VERSION_TABLE, named, position_of_database, position_of_target
from core.kernel.errors import Unavailable
from core.kernel.schema import DataWouldBeLost, MigrationFailed, SchemaChange

MIGRATIONS = Path(__file__).parents[1] / "migrations"
LOCK_POLL_SECONDS, LOCK_TIMEOUT_SECONDS = 5, 600
LOCK_NAME = "CONCAT('bursar/', LEFT(SHA2(DATABASE(), 256), 40))"
"""Of this database; the names of MySQL's locks have at most 64 characters and are those of the whole server."""

MAX_QUOTED_CHARACTERS = 300
"""Of a refused statement, in the error."""


async def migrate(database: Database, target: str = "head", *, may_lose_data: bool = False) -> SchemaChange:
    """Run the migrations from the current version to `target`: `head`, `base`, a revision, or steps: `+1`, `-1`.

    Raise `DataWouldBeLost` before a downgrade that deletes rows, unless `may_lose_data`; `MigrationFailed` with the
    cause when a repetition would fail as well.
    """
    async with database.writing() as connection:
        try:
            await disable_read_timeout(connection)
            await connection.execution_options(**{MIGRATING: True})
            return await connection.run_sync(lambda sync: Migrator(sync).run(target, may_lose_data=may_lose_data))
        finally:
            await connection.invalidate()  # it has no read timeout, and holds the lock


class Migrator:
    """The migrations on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._directory = directory()
        self._scripts: Sequence[Script] = list(self._directory.walk_revisions())[::-1]
        self._revisions = [script.revision for script in self._scripts]
        self._journal = MigrationJournal(connection) if connection.dialect.name == "mysql" else None
        self._step: Step | None = None

    def run(self, target: str, *, may_lose_data: bool) -> SchemaChange:
        """Migrate to a target."""
        try:
            with exclusive(self._connection):
                return self._move(target, may_lose_data=may_lose_data)
        except DBAPIError as error:
            where = f"migration {' '.join(self._step)}" if self._step else "the migration"
            statement = " ".join((error.statement or "").split())[:MAX_QUOTED_CHARACTERS]
            raise MigrationFailed(
                f"{where} was refused: {error.orig}; the statement: {statement};"
                " remove the cause and repeat the command, which continues where it stopped"
            ) from error

    def _move(self, target: str, *, may_lose_data: bool) -> SchemaChange:
        before = position_of_database(self._connection, self._revisions)
        goal = position_of_target(target, self._revisions, before)
        cut = self._journal.cut() if self._journal else None
        begin = self._position_after_cut(cut, goal) if cut else before
        up, down = self._scripts[begin + 1 : goal + 1], self._scripts[goal + 1 : begin + 1][::-1]
        if not may_lose_data and down and (lost := losses(self._connection, down)):
            raise DataWouldBeLost(
                f"going down from {named(before, self._revisions)} to {named(goal, self._revisions)} deletes"
                f" {', '.join(lost)}"
            )
        if self._journal:
            self._connection.rollback()  # SQLite decides and migrates in one transaction, MySQL has a lock
        steps = [RevisionStep(self._directory.revision_map, script, bool(up)) for script in up or down]
        if steps and self._journal:
            self._run_journaled(steps, self._journal, begin if cut else None)
        elif steps:
            self._run_steps(steps)
        return SchemaChange(*(named(each, self._revisions) for each in (before, goal, len(self._revisions) - 1)))

    def _position_after_cut(self, cut: Step, goal: int) -> int:
        """Return the position from which the cut migration is run again: below it to go up, at it to go down."""
        revision = self._revisions.index(cut[0])
        return revision - 1 if goal >= revision else revision

    def _run_journaled(self, steps: Sequence[RevisionStep], journal: MigrationJournal, restart: int | None) -> None:
        """Run migrations with a journal; after a cut, first set the version from which they are run."""
        journal.create()
        if restart is not None:
            journal.begin(step_of(steps[0]))
            self._connection.exec_driver_sql(f"DELETE FROM {VERSION_TABLE}")  # noqa: S608 - a constant
            if restart != BASE:
                inserted = f"INSERT INTO {VERSION_TABLE} VALUES (%s)"  # noqa: S608 - a constant
                self._connection.exec_driver_sql(inserted, (self._revisions[restart],))
            self._connection.commit()
        with journal.recording():
            self._run_steps(steps)
        journal.drop()

    def _run_steps(self, steps: Sequence[RevisionStep]) -> None:
        context = MigrationContext.configure(
            self._connection, opts={"fn": lambda *_: self._announced(steps), "on_version_apply": (self._on_version,)}
        )
        with Operations.context(context):
            context.run_migrations()
        self._connection.commit()

    def _announced(self, steps: Sequence[RevisionStep]) -> Iterator[RevisionStep]:
        """Tell the journal which migration follows."""
        for step in steps:
            self._step = step_of(step)
            if self._journal:
                self._journal.begin(self._step)
            yield step

    def _on_version(self, **_: Any) -> None:
        if self._journal:
            self._journal.end()


def step_of(step: RevisionStep) -> Step:
    """Return the revision and the direction of a step."""
    return str(step.revision.revision), "up" if step.is_upgrade else "down"


@contextmanager
def exclusive(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate; raise `Unavailable` after `LOCK_TIMEOUT_SECONDS`.

    The lock of MySQL ends with the connection, after a statement that a killed process left there.
    """
    if connection.dialect.name != "mysql":
        yield  # a transaction of SQLite is exclusive
        return
    for _ in range(LOCK_TIMEOUT_SECONDS // LOCK_POLL_SECONDS):
        if connection.exec_driver_sql(f"SELECT GET_LOCK({LOCK_NAME}, {LOCK_POLL_SECONDS})").scalar():
            connection.rollback()  # the lock stays; the next transaction sees what the other process did
            yield
            return
    raise Unavailable("another process has been migrating this database for ten minutes", retry_after=60)


async def disable_read_timeout(connection: AsyncConnection) -> None:
    """Remove the read timeout: an index on millions of rows takes minutes, and MySQL DDL cannot be rolled back."""
    if connection.dialect.name == "mysql":
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw._read_timeout = None  # noqa: SLF001 - public only at connect


@cache
def directory() -> ScriptDirectory:
    """Return the migrations of this program."""
    return ScriptDirectory.from_config(configuration())


def configuration() -> Config:
    """Return the configuration of Alembic."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
