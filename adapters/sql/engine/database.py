"""Connections to MySQL and SQLite: pools, timeouts, isolation, and translated driver errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiosqlite
from sqlalchemy import URL, event
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from adapters.sql.engine.connections import Renewal
from adapters.sql.engine.driver_errors import translate_driver_errors
from adapters.sql.engine.lending import Lending
from adapters.sql.engine.sqlite_file import SqliteFile
from adapters.tls import client_context
from core.kernel.errors import Unavailable

LOCK_WAIT_SECONDS = 2
"""A cancelled statement keeps its locks on the server; other statements wait at most this long."""
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 3, 5
IDLE_TIMEOUT_SECONDS = 60
"""A process that is suspended in a transaction keeps its locks at most this long."""
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

    async def close(self) -> None:
        """Close every connection; what is under way ends first, what comes later is refused with `Unavailable`."""
        await self.lending.close()
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


def mysql(
    host: str, port: int, database: str, user: str, password: str, connections: int, connection_seconds: float,
    tls: str, ca_file: str, certificate_file: str, key_file: str,
) -> Database:  # fmt: skip
    """Return a MySQL database, version 8.4 or later; raise `Invalid` for TLS files that cannot be used."""
    url = URL.create("mysql+asyncmy", user, password, host, port, database, query={"charset": "utf8mb4"})
    context = client_context(tls, ca_file, certificate_file, key_file)
    init = f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"
    init += f", wait_timeout = {IDLE_TIMEOUT_SECONDS}"
    init += ", transaction_isolation = 'READ-COMMITTED'"  # also for autocommit statements
    engine, reader = (
        create_async_engine(
            url,
            isolation_level=isolation,
            pool_size=connections,
            pool_recycle=int(connection_seconds),  # a changed DNS entry or proxy is followed by then
            pool_reset_on_return=None,
            max_overflow=0,
            skip_autocommit_rollback=True,
            hide_parameters=True,  # parameters are personal data
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "read_timeout": READ_TIMEOUT_SECONDS,
                "init_command": init,
                "stmt_cache_size": 128,
                "ssl": context,
            },
        )
        for isolation in ("READ COMMITTED", "AUTOCOMMIT")
    )
    known, renewal = Database(engine, reader), Renewal()
    for each in (engine, reader):
        translate_driver_errors(each, renewal.renew, known.fullness.note)
        renewal.watch(each)
    return known


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
