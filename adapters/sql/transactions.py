"""Where the rows of a unit of work go when it commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import Dialect, Insert, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql import tables
from adapters.sql.conflicts import conflict
from adapters.sql.database import Database, Locked
from adapters.sql.deliveries import add_missing
from adapters.sql.students import put
from core.shared.requests import RequestInProgress

Rows = Mapping[str, list[dict[str, Any]]]
"""What to insert, by the name of the table."""
Commit = Callable[[Rows], Awaitable[None]]
"""Takes the rows of one unit of work; returns when they are as durable as they will be on its own account."""
Begin = Callable[[], AbstractAsyncContextManager[tuple[AsyncConnection, Commit]]]
"""Begins a unit of work: what it looks with, and where its rows go.  What it does not commit never happened."""
SPECIAL: Mapping[str, Callable[[Dialect], Insert]] = {
    "students": put,
    "deliveries": add_missing,
    "delivery_attempts": lambda _: tables.insert_ignore(tables.delivery_attempts),
}
"""Tables whose rows may be there already."""


class OwnTransactions:
    """Every unit of work is a transaction of its own."""

    def __init__(self, database: Database, committed: Callable[[Collection[str]], None]) -> None:
        """Tell `committed` which tables got rows."""
        self._database, self._committed = database, committed

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[tuple[AsyncConnection, Commit]]:
        """Begin one."""
        async with self._database.transaction() as (connection, transaction):

            async def commit(rows: Rows) -> None:
                await store(rows, connection, transaction)
                self._committed(rows.keys())

            yield connection, commit


async def store(rows: Rows, connection: AsyncConnection, transaction: AsyncTransaction) -> None:
    """Insert one unit's rows and commit them, or roll back and say in our words what they run into."""
    try:
        await flush(rows, connection)
        await transaction.commit()
    except IntegrityError as error:
        await transaction.rollback()
        first_rows = {name: some[0] for name, some in rows.items()}
        raise await conflict(connection, error, first_rows) or error from error


async def flush(rows: Rows, connection: AsyncConnection) -> None:
    """Insert rows, one statement a table, in the order that keeps deadlocks away."""
    for name, table in tables.metadata.tables.items():
        if some := rows.get(name):
            special = SPECIAL.get(name)
            statement = special(connection.dialect) if special else insert(table)
            try:
                await connection.execute(statement, some)
            except Locked as error:
                if table is tables.requests:
                    raise RequestInProgress("the same request is being worked on") from error
                raise
