"""Where the rows of a unit of work go when it commits."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, insert
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql import tables
from adapters.sql.conflicts import conflict
from adapters.sql.database import Connect, Database, Locked
from adapters.sql.deliveries import add_missing
from adapters.sql.stock_projection import newer
from adapters.sql.students import put
from core.kernel.idempotency import RequestInProgress

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""What to insert, by the name of the table; and what rows that we hold become, or are from now on, by `changed`."""
Commit = Callable[[Rows], Awaitable[None]]
"""Takes the rows of one unit of work; returns when they are as durable as they will be on its own account."""
Begin = Callable[[], AbstractAsyncContextManager[tuple[Connect, Commit]]]
"""Begins a unit of work: what it looks with, and where its rows go.  What it does not commit never happened."""
UPSERTS: Mapping[str, Callable[[Dialect], Insert]] = {
    "students": put,
    "deliveries": add_missing,
    "delivery_attempts": lambda _: tables.insert_ignore(tables.delivery_attempts),
    **{view.name: newer(view) for view in (tables.line_views, tables.batch_views, tables.sku_views)},
}
"""Tables whose rows may be there already."""
MAX_ROWS_PER_STATEMENT = 256
"""Rows in one statement: longer ones are not faster."""


@dataclass(frozen=True, slots=True)
class Transactions:
    """Units of work: one that looks at the database has a transaction of its own, one that only inserts needs none."""

    database: Database
    commits: Commit
    """Takes the rows of those that only insert."""
    committed: Callable[[Collection[str]], None]
    """Is told which tables got rows."""

    def begin(self) -> "LazyTransaction":
        """Begin one."""
        return LazyTransaction(self)


class LazyTransaction(AbstractAsyncContextManager[tuple[Connect, Commit]]):
    """A unit of work under way."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions, self._turn = transactions, asyncio.Lock()
        self._own: tuple[AsyncConnection, AsyncTransaction] | None = None

    async def __aenter__(self) -> tuple[Connect, Commit]:
        return self._connect, self._commit

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own:
            await self._scope.__aexit__(kind, error, trace)

    async def _connect(self) -> AsyncConnection:
        async with self._turn:
            if self._own is None:
                self._scope = self._transactions.database.transaction()
                self._own = await self._scope.__aenter__()
            return self._own[0]

    async def _commit(self, rows: Rows) -> None:
        if self._own:
            await flush_and_commit(rows, *self._own)
        elif rows:
            await self._transactions.commits(rows)
        self._transactions.committed(rows.keys())


@dataclass(frozen=True, slots=True)
class SingleCommits:
    """Every unit's rows are a transaction of their own."""

    database: Database

    async def __call__(self, rows: Rows) -> None:
        """Store the rows of one unit."""
        async with self.database.transaction() as (connection, transaction):
            await flush_and_commit(rows, connection, transaction)


async def flush_and_commit(rows: Rows, connection: AsyncConnection, transaction: AsyncTransaction) -> None:
    """Insert one unit's rows and commit them, or roll back and say in our words what they run into."""
    try:
        await flush(rows, connection)
        await transaction.commit()
    except IntegrityError as error:
        await transaction.rollback()
        first_rows = {name: some[0] for name, some in rows.items()}
        raise await conflict(connection, error, first_rows) or error from error


async def flush(rows: Rows, connection: AsyncConnection) -> None:
    """Insert rows, table by table in the order that keeps deadlocks away."""
    await connection.run_sync(insert_all, rows)  # one change between asyncio and SQLAlchemy, not one a statement


def insert_all(connection: Connection, rows: Rows) -> None:
    """Insert rows, the tables in the order in which they are declared."""
    for key, table in STEPS:
        for some in in_parts(rows.get(key, ())):
            insertion = compile_insert(table, tuple(some[0]), len(some), connection.dialect, replace=key != table.name)
            try:
                connection.exec_driver_sql(insertion.statement, insertion.parameters(some))
            except Locked as error:
                if table is tables.requests:
                    raise RequestInProgress("the same request is being worked on") from error
                raise


def changed(table: Table) -> str:
    """Return the name under which rows of a table wait that may be there, and are as they say from now on."""
    return f"{table.name} changed"


STEPS = [(key, table) for table in tables.metadata.tables.values() for key in (table.name, changed(table))]
"""Where rows go, one after the other."""


def in_parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into few parts of few sizes, so that statements repeat and the server need not read them again."""
    begin = 0
    while left := len(rows) - begin:
        size = min(1 << left.bit_length() - 1, MAX_ROWS_PER_STATEMENT)
        yield rows[begin : begin + size]
        begin += size


@dataclass(frozen=True, slots=True)
class CompiledInsert:
    """How so many rows get into a table: worked out once, and not for every row."""

    statement: str
    binds: Sequence[tuple[str, Callable[[Any], Any] | None]]
    """The columns in the order of the statement, each with what makes the driver's value of ours."""

    def parameters(self, rows: Sequence[Row]) -> tuple[Any, ...]:
        """Return the values in the order of the statement."""
        if any(len(row) != len(self.binds) for row in rows):
            raise TypeError("rows of one table and transaction name the same columns")
        return tuple([bind(row[name]) if bind else row[name] for row in rows for name, bind in self.binds])


@cache
def compile_insert(
    table: Table, columns: tuple[str, ...], rows: int, dialect: Dialect, *, replace: bool = False
) -> CompiledInsert:
    """Compile an insert of so many rows."""
    special = replacing(table) if replace else UPSERTS.get(table.name)
    one = str((special(dialect) if special else insert(table)).compile(dialect=dialect, column_keys=columns))
    head, values, row_and_rest = one.partition("VALUES ")
    row, end, rest = row_and_rest.partition(")")
    binds = [
        (column.name, column.type.dialect_impl(dialect).bind_processor(dialect))
        for column in table.columns
        if column.name in columns
    ]
    return CompiledInsert(head + values + ", ".join([row + end] * rows) + rest, binds)


def replacing(table: Table) -> Callable[[Dialect], Insert]:
    """Return what makes an insert that changes the rows which are there, found by their primary key."""

    def replace(dialect: Dialect) -> Insert:
        key = list(table.primary_key.columns)
        others = [column.name for column in table.columns if column not in key]
        if dialect.name == "mysql":
            added = mysql.insert(table)
            return added.on_duplicate_key_update({name: added.inserted[name] for name in others})
        new = sqlite.insert(table)
        return new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in others})

    return replace
