"""Connections to MySQL and SQLite: pools, timeouts, isolation, and translated driver errors."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import aiosqlite
from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from adapters.tls import client_context
from core.kernel.errors import GaveWay, InUse, Unavailable

LOCK_WAIT_SECONDS = 2
"""A cancelled statement keeps its locks on the server; other statements wait at most this long."""
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 3, 5
IDLE_TIMEOUT_SECONDS = 60
"""A process that is suspended in a transaction keeps its locks at most this long."""
PING_AFTER_IDLE_SECONDS = 0.5
"""A connection that was used within this time is reused without a ping."""
ER_NO_SUCH_TABLE, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK = 1146, 1205, 1213
PERMANENT_ERROR_CODES = {(1054,), (1136,), (1264,), (1292,), (1364,), (1366,), (1406,)}
"""Errors that a repetition cannot resolve: the statement is wrong or not permitted."""
REMEDIES = {
    1044: "grant mysql.user its privileges with deploy/grants.sql",
    1045: "correct mysql.user and mysql.password; an account that requires TLS needs mysql.tls",
    1142: "run deploy/grants.sql again after each migration; `bursar migrate` needs the account bursar_migration",
    1049: "create the database or correct mysql.database; deploy/grants.sql creates it",
    3159: "set mysql.tls to verified, or to unverified",
}
"""What an operator does about what MySQL refuses, by its error code."""
SQLITE_REMEDIES = {
    sqlite3.SQLITE_PERM: "let this user read and write sqlite.path and its folder",
    sqlite3.SQLITE_READONLY: "let this user write sqlite.path and its folder",
    sqlite3.SQLITE_CANTOPEN: "sqlite.path names a file, in a folder that exists and that this user can write",
    sqlite3.SQLITE_FULL: "free disk space for sqlite.path",
    sqlite3.SQLITE_IOERR: "look at the disk of sqlite.path",
    sqlite3.SQLITE_NOTADB: "sqlite.path names a file that is not a database: name another, or restore it from a backup",
    sqlite3.SQLITE_CORRUPT: "the file of sqlite.path is damaged: restore it from a backup",
}
"""What an operator does about a file that cannot be used, by the primary error code of SQLite."""


class Locked(InUse):
    """Another transaction held a lock for longer than `LOCK_WAIT_SECONDS`."""


class Deadlocked(Locked, GaveWay):
    """The database resolved a deadlock by rolling this transaction back."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database with connections for transactions and for single statements."""

    engine: AsyncEngine
    reader: AsyncEngine
    write_lock: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    """Held while writing; SQLite allows one writer."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for one transaction; uncommitted changes are rolled back."""
        async with self.write_lock, pooled_connection(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[AsyncConnection, AsyncTransaction]]:
        """Begin a transaction; uncommitted changes are rolled back."""
        async with self.writing() as connection:
            yield connection, await connection.begin()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for reads; each statement sees what is committed when it starts."""
        async with pooled_connection(self.reader) as connection:
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for writes on which each statement is a transaction."""
        async with self.write_lock, pooled_connection(self.reader) as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await self.reader.dispose()


@asynccontextmanager
async def pooled_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Provide a connection of the pool; raise `Unavailable` after `CONNECT_TIMEOUT_SECONDS`."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # a server may accept the connection and never answer
            connection = await engine.connect()
    except TimeoutError as error:
        raise Unavailable("no connection to the database was free in time", retry_after=1) from error
    except RuntimeError as error:  # asyncmy raises it when the server closes before its greeting
        raise Unavailable(f"the database does not answer: {error}", retry_after=1) from error
    try:
        yield connection
    finally:
        await connection.close()


def mysql(
    host: str, port: int, database: str, user: str, password: str, connections: int,
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
    for each in (engine, reader):
        translate_driver_errors(each)
        ping_idle_connections(each)
    return Database(engine, reader)


def sqlite(path: str) -> Database:
    """Return a database in one file, durable at every commit."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=path),
        hide_parameters=True,
        connect_args={"timeout": LOCK_WAIT_SECONDS, "async_creator_fn": open_sqlite},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # sqlite3 would begin a transaction at the first write, after the reads that the write depends on.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Any) -> None:
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    reader = engine.execution_options(reading=True)
    event.listen(engine.sync_engine, "begin", begin)
    translate_driver_errors(engine)
    # SQLite lets waiting writers poll, some for seconds; a lock in front of it is fair.
    return Database(engine, reader, asyncio.Lock())


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


def ping_idle_connections(engine: AsyncEngine) -> None:
    """Ping a connection before its reuse if it was idle for `PING_AFTER_IDLE_SECONDS`."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note_use(_connection: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, record: Any, _proxy: object) -> None:
        if monotonic() - record.info.get("used", monotonic()) < PING_AFTER_IDLE_SECONDS:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error
        if not alive:
            raise DisconnectionError


def translate_driver_errors(engine: AsyncEngine) -> None:
    """Raise `Unavailable` for temporary errors; violated constraints and wrong statements keep their errors."""

    @event.listens_for(engine.sync_engine, "handle_error", retval=True)
    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if error.args and (remedy := REMEDIES.get(error.args[0])):
            return Unavailable(f"MySQL refuses: {error.args[-1]}; {remedy}")
        if remedy := SQLITE_REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF):
            return Unavailable(f"SQLite refuses: {error}; {remedy}")
        if context.is_disconnect or isinstance(error, OSError):
            return Unavailable(f"the database does not answer: {error}", retry_after=1)
        if (context.statement or "").startswith("DESCRIBE"):
            return None  # SQLAlchemy tests with it whether a table exists, and needs the original error
        if error.args[:1] == (ER_NO_SUCH_TABLE,) or "no such table" in str(error):
            return Unavailable("the database has no tables yet: create them with `bursar migrate`")
        if error.args[:1] in ((ER_LOCK_WAIT_TIMEOUT,), (ER_LOCK_DEADLOCK,)):
            kind = Deadlocked if error.args[:1] == (ER_LOCK_DEADLOCK,) else Locked
            return kind(f"another transaction holds the lock: {error}", retry_after=1)
        if isinstance(context.sqlalchemy_exception, OperationalError) and error.args[:1] not in PERMANENT_ERROR_CODES:
            return Unavailable(f"the database does not answer: {error}", retry_after=1)
        return None
