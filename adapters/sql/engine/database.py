"""A database with its pools of connections, and SQLite."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import aiosqlite
from sqlalchemy import URL, event, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from adapters.sql.engine.driver_errors import translate_driver_errors
from adapters.sql.engine.gtids import Gtids
from adapters.sql.engine.lending import Lending
from adapters.sql.engine.sqlite_file import SqliteFile
from core.kernel.errors import Unavailable
from core.kernel.own_writes import Position

if TYPE_CHECKING:
    from adapters.sql.engine.rotation import Rotation

LOCK_WAIT_SECONDS = 2
"""A cancelled statement keeps its locks on the server; other statements wait at most this long."""
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 3, 5
IDLE_TIMEOUT_SECONDS = 60
"""A process that is suspended in a transaction keeps its locks at most this long."""
EXECUTED = text("SELECT @@global.gtid_executed")
MAX_SNAPSHOTS = 2
"""Snapshots of one process that may be open at a time; the other connections stay for short work."""
FULL_FOR_SECONDS = 5.0
"""After a write that found no room, the database counts as full for this long."""


@dataclass(slots=True)
class Fullness:
    """The last write that found no room."""

    why: str = ""
    at: float = -FULL_FOR_SECONDS

    def note(self, why: str) -> None:
        """Remember a write that found no room."""
        self.why, self.at = why, monotonic()

    def reason(self) -> str:
        """Return why the database counts as full; empty if it does not."""
        return self.why if monotonic() - self.at < FULL_FOR_SECONDS else ""


@dataclass(frozen=True, slots=True)
class Database:
    """One database with connections for transactions and for single statements."""

    engine: AsyncEngine
    reader: AsyncEngine
    write_lock: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    """Held while writing; SQLite allows one writer."""
    fullness: Fullness = field(default_factory=Fullness)
    lending: Lending = field(default_factory=Lending)
    snapshots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_SNAPSHOTS))
    rotation: "Rotation | None" = None
    """The replicas; None without any."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for one transaction; uncommitted changes are rolled back."""
        async with self.write_lock, self._connection(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[AsyncConnection, AsyncTransaction]]:
        """Begin a transaction; uncommitted changes are rolled back."""
        async with self.writing() as connection:
            yield connection, await connection.begin()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for reads; each statement sees what is committed when it starts."""
        async with self._connection(self.reader) as connection:
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for writes on which each statement is a transaction."""
        async with self.write_lock, self._connection(self.reader) as connection:
            yield connection

    def written(self, connection: AsyncConnection) -> Position:
        """Return the position of what a connection has just committed; empty without replicas."""
        return self.rotation.primary.written(connection) if self.rotation else {}

    async def position(self) -> Position:
        """Return the position of everything that is committed; empty without replicas."""
        if self.rotation is None:
            return {}
        async with self.reading() as connection:
            return Gtids.parse(await connection.scalar(EXECUTED) or "").position

    async def close(self) -> None:
        """Close every connection; what is under way ends first, what comes later is refused with `Unavailable`."""
        await self.lending.close()
        if self.rotation:
            await self.rotation.close()
        await self.engine.dispose()
        await self.reader.dispose()

    @asynccontextmanager
    async def _connection(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        with self.lending.one():
            async with pooled_connection(engine) as connection:
                yield connection


@asynccontextmanager
async def pooled_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Provide a connection of the pool; raise `Unavailable` after `CONNECT_TIMEOUT_SECONDS`."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # a server may accept the connection and never answer
            connection = await engine.connect()
    except TimeoutError as error:
        raise Unavailable("no connection to the database was free in time", retry_after=1) from error
    except (RuntimeError, InvalidRequestError) as error:  # the server closed before its greeting, or twice in a row
        raise Unavailable(f"the database does not answer: {error}", retry_after=1) from error
    try:
        yield connection
    finally:
        await connection.close()


def sqlite(path: str) -> Database:
    """Return a database in one file, durable at every commit."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=path),
        hide_parameters=True,
        connect_args={"timeout": LOCK_WAIT_SECONDS, "async_creator_fn": open_sqlite},
    )
    # SQLite lets waiting writers poll, some for seconds; a lock in front of it is fair.
    known = Database(engine, engine.execution_options(reading=True), asyncio.Lock())
    translate_driver_errors(engine, lambda: None, known.fullness.note)
    set_up_sqlite(engine, SqliteFile(path))
    return known


async def open_sqlite(path: str, **options: Any) -> aiosqlite.Connection:
    """Open a connection, each of which has a thread."""
    connection = aiosqlite.connect(path, **options)
    thread = connection._thread  # noqa: SLF001 - no public attribute
    thread.daemon = True
    try:
        return await connection
    except BaseException:
        await asyncio.to_thread(thread.join)  # it reports its end to the event loop, which may close next
        raise


def set_up_sqlite(engine: AsyncEngine, file: SqliteFile) -> None:
    """Set up each connection, begin writing transactions at once, and refuse those on a file without a name."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def check(*_: object) -> None:
        file.check()  # a new connection would create an empty file
        file.create()

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # sqlite3 would begin a transaction at the first write, after the reads that the write depends on.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        file.note()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        file.check_all()
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            file.note_log()
