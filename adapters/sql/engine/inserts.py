"""Inserts rows: multi-row statements, compiled once for each shape, in lock order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, insert
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.driver_errors import Locked
from adapters.sql.engine.lock_order import LOCK_ORDER
from adapters.sql.engine.pipelining import Pipeline, Statement
from adapters.sql.engine.tables import metadata, requests
from core.kernel.idempotency import RequestInProgress

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""Rows to insert by table name, and rows to insert or overwrite by `changed_key`."""
UPSERT = "upsert"
"""Key of `Table.info`: returns the insert, given the dialect, for a table whose rows may exist."""
COMPLETED_LAST = "completed_last"
"""Key of `Table.info`: completes the rows of a table just before the commit; the table is last in the lock order.

Parts of a joined transaction leave these rows to its end.
"""
MAX_ROWS_PER_STATEMENT = 256
"""Larger statements are not faster."""
MAX_STATEMENTS_PER_ROUND_TRIP = 16
"""A commit of submissions has four; the limit bounds the memory of large imports."""


def changed_key(name: str) -> str:
    """Return the key in `Rows` of rows to insert or overwrite."""
    return f"{name} changed"


PLACES = frozenset(key for name in LOCK_ORDER for key in (name, changed_key(name)))


async def flush(rows: Rows, connection: AsyncConnection) -> None:
    """Insert rows, table by table in lock order."""
    await connection.run_sync(insert_all, rows)  # one switch to SQLAlchemy's greenlet instead of one for each statement


def insert_all(connection: Connection, rows: Rows) -> None:
    """Insert rows, the tables in lock order."""
    check_order(rows)
    waiting: list[Insertion] = []
    for name in LOCK_ORDER:
        for key in (name, changed_key(name)):
            if some := rows.get(key):
                table = metadata.tables[name]  # a process imports only the tables that it writes
                if complete := table.info.get(COMPLETED_LAST):
                    execute(connection, waiting)  # what completes the rows locks others
                    waiting, some = [], complete(connection, some)
                waiting += insertions(connection.dialect, table, some, replace=key != name)
    execute(connection, waiting)


def insertions(dialect: Dialect, table: Table, rows: Sequence[Row], *, replace: bool) -> Iterator["Insertion"]:
    """Yield the statements that insert rows of one table."""
    for some in in_parts(rows):
        compiled = compile_insert(table, tuple(some[0]), len(some), dialect, replace=replace)
        yield Insertion(table, (compiled.statement, compiled.parameters(some)))


def execute(connection: Connection, waiting: Sequence["Insertion"]) -> None:
    """Execute statements, on MySQL in one round trip; raise `RequestInProgress` if the same request is being stored."""
    size = MAX_STATEMENTS_PER_ROUND_TRIP if connection.dialect.name == "mysql" else 1
    for begin in range(0, len(waiting), size):
        some = waiting[begin : begin + size]
        pipeline = Pipeline([each.statement for each in some])
        try:
            if len(some) == 1:
                connection.exec_driver_sql(*some[0].statement)
            else:
                pipeline.execute(connection)
        except Locked as error:
            if some[pipeline.failed or 0].table is requests:
                raise RequestInProgress("the same request is in progress; send it again in a second") from error
            raise


def is_completed_last(name: str) -> bool:
    """Tell whether the rows of a table wait for the end of a joined transaction."""
    return name in metadata.tables and COMPLETED_LAST in metadata.tables[name].info


def check_order(rows: Rows) -> None:
    """Raise `LookupError` for rows of a table without a place in the lock order."""
    if missing := rows.keys() - PLACES:
        raise LookupError(f"{', '.join(sorted(missing))}: give the table a place in adapters/sql/engine/lock_order.py")


def in_parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Split rows into parts whose sizes are powers of two, so that few distinct statements are prepared."""
    begin = 0
    while left := len(rows) - begin:
        size = min(1 << left.bit_length() - 1, MAX_ROWS_PER_STATEMENT)
        yield rows[begin : begin + size]
        begin += size


@dataclass(frozen=True, slots=True)
class Insertion:
    """A statement that inserts rows of a table."""

    table: Table
    statement: Statement


@dataclass(frozen=True, slots=True)
class CompiledInsert:
    """A compiled multi-row insert, without its values."""

    statement: str
    columns: Sequence[str]
    """In the order of the statement."""
    binds: Sequence[tuple[int, Callable[[Any], Any]]]
    """The places of columns whose values the driver takes in another form, each with the conversion."""

    def parameters(self, rows: Sequence[Row]) -> tuple[Any, ...]:
        """Return the values in the order of the statement."""
        if set(map(len, rows)) != {len(self.columns)}:
            raise TypeError("rows of one table and transaction name the same columns")
        values = [row[name] for row in rows for name in self.columns]
        for place, bind in self.binds:
            column = slice(place, None, len(self.columns))
            values[column] = map(bind, values[column])
        return tuple(values)


@cache
def compile_insert(
    table: Table, columns: tuple[str, ...], rows: int, dialect: Dialect, *, replace: bool = False
) -> CompiledInsert:
    """Compile an insert of `rows` rows.

    One row is compiled and repeated: SQLAlchemy needs a hundred times longer for 256 rows, 47 ms in which no request of
    the process is answered.
    """
    special = replacing(table) if replace else table.info.get(UPSERT)
    one = str((special(dialect) if special else insert(table)).compile(dialect=dialect, column_keys=columns))
    head, values, row_and_rest = one.partition("VALUES ")
    row, end, rest = row_and_rest.partition(")")
    named = [column for column in table.columns if column.name in columns]
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in named]
    binds = [(place, bind) for place, bind in enumerate(processors) if bind]
    return CompiledInsert(head + values + ", ".join([row + end] * rows) + rest, [each.name for each in named], binds)


def replacing(table: Table) -> Callable[[Dialect], Insert]:
    """Return a function of the dialect that builds an insert which overwrites rows with the same primary key."""

    def replace(dialect: Dialect) -> Insert:
        key = list(table.primary_key.columns)
        others = [column.name for column in table.columns if column not in key and column.computed is None]
        if dialect.name == "mysql":
            added = mysql.insert(table)
            return added.on_duplicate_key_update({name: added.inserted[name] for name in others})
        new = sqlite.insert(table)
        return new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in others})

    return replace
