"""Migrated databases for tests: the migrations run once, and the rows of a test are deleted after it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncmy
from msgspec.structs import replace
from sqlalchemy import event

from adapters.sql.schema import metadata
from config.container import Application, running
from config.sections.identity import Encryption
from config.sections.section import Secret
from config.sections.servers import MySQL, SQLite
from config.settings import Settings

ENCRYPTION = Encryption(keys=Secret("1:YSBrZXkgb2YgdGhlIHRlc3RzOiAzMiBieXRlcyBsb24"))
"""The key of every process that a test starts."""
OPEN_CONNECTIONS_QUERY = "SELECT COUNT(*) FROM performance_schema.threads WHERE processlist_db = %s"
"""Connections that still execute abandoned statements; the process list fails while bytes are inserted."""


class DatabasePool:
    """The databases of one test session, used by one test after another."""

    def __init__(self, folder: Path) -> None:
        """Create a pool with its files in a folder."""
        self._file, self._template, self._idle = folder / "template.db", "", list[str]()

    @asynccontextmanager
    async def acquire(self, settings: Settings) -> AsyncIterator[Settings]:
        """Yield settings with a migrated database, of the kind and on the server that the given settings name."""
        match settings.adapters.persistence:
            case "sqlite":
                if not self._file.exists():
                    await migrate(replace(settings, sqlite=SQLite(path=str(self._file))))
                shutil.copy(self._file, settings.sqlite.path)
                yield settings
            case "mysql":
                self._template = self._template or await made(settings)
                name = self._idle.pop() if self._idle else await made(settings)
                yield with_database(settings, name)
                await self._wipe(settings.mysql, name)
                self._idle.append(name)
            case _:
                yield settings

    async def _wipe(self, server: MySQL, name: str) -> None:
        tables = [table.name for table in metadata.sorted_tables]
        async with root_of(server) as run:
            while (await run(OPEN_CONNECTIONS_QUERY, name))[0][0]:
                await asyncio.sleep(0.005)
            for table in tables:
                await run(f"DELETE FROM {name}.{table}")
                if await run(f"SELECT 1 FROM {self._template}.{table} LIMIT 1"):  # rows that the migrations inserted
                    await run(f"INSERT INTO {name}.{table} SELECT * FROM {self._template}.{table}")


async def made(settings: Settings) -> str:
    """Create one more database."""
    name = f"test_{uuid4().hex}"
    async with root_of(settings.mysql) as run:
        await run(f"CREATE DATABASE {name}")
    await migrate(with_database(settings, name))
    return name


def with_database(settings: Settings, name: str) -> Settings:
    """Return settings that name another database of the same server."""
    return replace(settings, mysql=replace(settings.mysql, database=name))


async def migrate(settings: Settings) -> None:
    """Create the tables."""
    async with running(Application(settings=settings)) as application:
        await application.storage.migrate()


def statements(application: Application) -> set[object]:
    """Yield a list of the statements that the database executes."""
    asked: set[object] = set()
    database = application.storage.database()
    for engine in (database.engine, database.reader):  # SQLite executes one statement under two names

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, _text: str, _values: Any, context: object, _many: bool) -> None:
            asked.add(context)

    return asked


@asynccontextmanager
async def root_of(server: MySQL) -> AsyncIterator[Any]:
    """Yield a function that runs one statement with the credentials of the settings, and returns its rows."""
    password = server.password.reveal()
    connection = await asyncmy.connect(
        host=server.host, port=server.port, user=server.user, password=password, autocommit=True
    )

    async def run(statement: str, *values: object) -> Any:
        async with connection.cursor() as cursor:
            await cursor.execute(statement, values or None)
            return await cursor.fetchall()

    try:
        yield run
    finally:
        await connection.ensure_closed()
