"""Databases, set up as our promises need them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sqlalchemy import URL, Table, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction, create_async_engine

from core.kernel.errors import GaveWay, InUse, Unavailable

LOCK_WAIT_SECONDS = 2
"""A cancelled statement keeps running on the server with its locks: nobody waits for it longer than this."""
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 3, 5
IDLE_TIMEOUT_SECONDS = 60
"""A process that was stopped within a transaction keeps its locks no longer than this."""
PING_AFTER_IDLE_SECONDS = 0.5
"""A connection that was used within this time needs no ping before it is used again."""
ER_NO_SUCH_TABLE, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK = 1146, 1205, 1213
PERMANENT_ERROR_CODES = {(1054,), (1136,), (1142,), (1264,), (1292,), (1364,), (1366,), (1406,)}
"""Codes of faults that no waiting mends: the statement is wrong, or not allowed."""

Connect = Callable[[], Awaitable[AsyncConnection]]
"""Gives the connection of a unit of work, and begins its transaction when it is first asked."""
InsertRow = Callable[[Table, dict[str, Any]], None]
"""Adds a row to those that a unit of work inserts when it commits."""


class Locked(InUse):
    """Somebody else holds what we want for longer than we wait, or wants what we hold."""


class Deadlocked(Locked, GaveWay):
    """The database saw that we and somebody else waited for each other, and chose us to give way."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database, to write into by transactions and to look at without."""

    engine: AsyncEngine
    reader: AsyncEngine
    write_lock: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    """Held by whoever writes, where there can be only one."""

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection for one transaction; what is not committed is rolled back."""
        async with self.write_lock, pooled_connection(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[AsyncConnection, AsyncTransaction]]:
        """Begin a transaction; what is not committed is rolled back."""
        async with self.writing() as connection:
            yield connection, await connection.begin()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection whose statements each see what is committed at their moment."""
        async with pooled_connection(self.reader) as connection:
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection on which every statement is a transaction of its own."""
        async with self.write_lock, pooled_connection(self.reader) as connection:
            yield connection

    async def close(self) -> None:
        """Let go of every connection."""
        await self.engine.dispose()
        await self.reader.dispose()


@asynccontextmanager
async def pooled_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Lend a connection of the pool."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # a server may accept and never say a word
            connection = await engine.connect()
    except TimeoutError as error:
        raise Unavailable("the database gave us no connection in time", retry_after=1) from error
    except RuntimeError as error:  # asyncmy's word for a server that hung up before the first word
        raise Unavailable(f"the database does not answer: {error}", retry_after=1) from error
    try:
        yield connection
    finally:
        await connection.close()


def mysql(host: str, port: int, database: str, user: str, password: str, connections: int) -> Database:
    """Return a MySQL database, version 8.4 or later."""
    url = URL.create("mysql+asyncmy", user, password, host, port, database, query={"charset": "utf8mb4"})
    init = f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"
    init += f", wait_timeout = {IDLE_TIMEOUT_SECONDS}"
    init += ", transaction_isolation = 'READ-COMMITTED'"  # also for statements that commit themselves
    engine, reader = (
        create_async_engine(
            url,
            isolation_level=isolation,
            pool_size=connections,
            pool_reset_on_return=None,
            max_overflow=0,
            skip_autocommit_rollback=True,
            hide_parameters=True,  # they are people's
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "read_timeout": READ_TIMEOUT_SECONDS,
                "init_command": init,
                "stmt_cache_size": 128,
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
        connect_args={"timeout": LOCK_WAIT_SECONDS},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # sqlite3 would begin a transaction at the first write: too late for a read that decides something.
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
    # SQLite lets one write and the others poll, some of them for seconds; a queue in front of it is fair.
    return Database(engine, reader, asyncio.Lock())


def ping_idle_connections(engine: AsyncEngine) -> None:
    """Ask a connection that nobody used for a while whether it is still there; of one in use we hear soon enough."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: object) -> None:
        if monotonic() - record.info.get("used", monotonic()) < PING_AFTER_IDLE_SECONDS:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error
        if not alive:
            raise DisconnectionError


def translate_driver_errors(engine: AsyncEngine) -> None:
    """Let every fault that may pass be `Unavailable`; a broken constraint or a wrong statement keeps its own error."""

    @event.listens_for(engine.sync_engine, "handle_error", retval=True)
    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if context.is_disconnect or isinstance(error, OSError):
            return Unavailable(f"the database does not answer: {error}", retry_after=1)
        if (context.statement or "").startswith("DESCRIBE"):
            return None  # SQLAlchemy asks so whether a table exists, and reads the answer from the error
        if error.args[:1] == (ER_NO_SUCH_TABLE,) or "no such table" in str(error):
            return Unavailable("the database has no tables yet: create them with `bursar migrate`")
        if error.args[:1] in ((ER_LOCK_WAIT_TIMEOUT,), (ER_LOCK_DEADLOCK,)):
            kind = Deadlocked if error.args[:1] == (ER_LOCK_DEADLOCK,) else Locked
            return kind(f"somebody else holds what we want: {error}", retry_after=1)
        if isinstance(context.sqlalchemy_exception, OperationalError) and error.args[:1] not in PERMANENT_ERROR_CODES:
            return Unavailable(f"the database does not answer: {error}", retry_after=1)
        return None
