"""Reads that may be stale: on a replica if the request allows it, and its client's own writes are there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from core.kernel.errors import Unavailable
from core.kernel.own_writes import Position, View, current_view

if TYPE_CHECKING:
    from adapters.sql.engine.rotation import Rotation

READS = Counter("bursar_reads", "Reads that may be stale, by the server that answered", ["target"])
Failed = Callable[[Exception], None]
Reconnect = Callable[[], Awaitable[AsyncConnection]]
IS_READ_ONLY = text("SELECT @@global.read_only")


class Repeating(AsyncConnection):
    """A connection to a replica: a statement that fails there is executed on the primary, and so are those after it."""

    __slots__ = ("_failed", "_instead", "_primary")

    def __init__(self, connection: AsyncConnection, failed: Failed, primary: Reconnect) -> None:
        """Tell `failed` the error, and go on with the connection that `primary` returns."""
        super().__init__(connection.engine, connection.sync_connection)
        self._failed, self._primary = failed, primary
        self._instead: AsyncConnection | None = None

    async def execute(self, *statement: Any, **options: Any) -> Any:
        """Execute a statement, which only reads."""
        return await self._repeated(AsyncConnection.execute, *statement, **options)

    async def run_sync(self, fn: Callable[..., Any], *arg: Any, **kw: Any) -> Any:
        """Run a function that only reads on the connection below."""
        return await self._repeated(AsyncConnection.run_sync, fn, *arg, **kw)

    async def _repeated(self, call: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> Any:
        if self._instead is None:
            try:
                return await call(self, *arguments, **options)
            except (Unavailable, DBAPIError) as error:
                self._failed(error)
                self._instead = await self._primary()
        return await call(self._instead, *arguments, **options)


@asynccontextmanager
async def browsing(
    database: Database, view: View | None = None, *, repeats: bool = True
) -> AsyncIterator[AsyncConnection]:
    """Provide a connection for reads that only show; `repeats` lets the primary repeat what fails on a replica.

    Without `view`, that of the request counts: outside of requests that only show, everything must be seen.
    """
    after, rotation = (view or current_view.get()).after, database.rotation
    async with AsyncExitStack() as stack:
        if rotation is None or after is None:
            yield await stack.enter_async_context(database.reading())
            return
        primary = partial(on_primary, database, rotation, after, stack)
        with database.lending.one():
            lent = await rotation.lend(stack, after)
            if lent is None:
                yield await primary()
                return
            READS.labels("replica").inc()
            replica, connection = lent
            yield Repeating(connection, partial(rotation.note_failure, replica), primary) if repeats else connection


async def on_primary(
    database: Database, rotation: "Rotation", after: Position, stack: AsyncExitStack
) -> AsyncConnection:
    """Return a connection to the primary; one that may have moved since this process looked is asked first."""
    READS.labels("primary").inc()
    connection = await stack.enter_async_context(database.reading())
    if rotation.primary.has(after) or not await connection.scalar(IS_READ_ONLY):
        return connection
    rotation.lose_primary()
    return await stack.enter_async_context(database.reading())
