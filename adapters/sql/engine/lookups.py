"""Looks up rows by keys: on MySQL with all queries in one round trip, and without the result layer of SQLAlchemy."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Select, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.pipelining import Pipeline

Rows = Sequence[tuple[Any, ...]]
"""The cells of each row, after its key."""
RowsByKey = Mapping[Any, Rows]
"""Rows by key, none for any other key."""


async def look_up(
    connection: AsyncConnection, queries: Sequence[Select[Any]], keys: Sequence[bytes | str]
) -> Sequence[RowsByKey]:
    """Return the rows of each query whose first column, a text or the bytes of an id, is one of the keys.

    The queries are constants: each is compiled once for each number of keys.
    """
    return await connection.run_sync(rows_by_key, queries, tuple(keys))


def rows_by_key(
    connection: Connection, queries: Sequence[Select[Any]], keys: tuple[bytes | str, ...]
) -> Sequence[RowsByKey]:
    """Execute queries."""
    compiled = [compile_query(each, len(keys), connection.dialect) for each in queries]
    pipeline = Pipeline([(each.statement, keys) for each in compiled])
    if connection.dialect.name == "mysql":
        pipeline.execute(connection)
        results = pipeline.results
    else:
        results = [connection.exec_driver_sql(*each).all() for each in pipeline.statements]
    return [each.by_key(rows) for each, rows in zip(compiled, results, strict=True)]


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query for a number of keys."""

    statement: str
    conversions: Sequence[tuple[int, Callable[[Any], Any]]]
    """The places of columns whose cells the driver returns in another form, each with the conversion."""

    def by_key(self, rows: Sequence[Sequence[Any]]) -> RowsByKey:
        """Return rows of the driver by key."""
        columns: list[Any] = [*zip(*rows, strict=True)]
        for place, convert in self.conversions if rows else ():
            columns[place] = map(convert, columns[place])
        found: defaultdict[Any, list[tuple[Any, ...]]] = defaultdict(list)
        for row in zip(*columns, strict=True):
            found[row[0]].append(row[1:])
        return found


@cache
def compile_query(query: Select[Any], number: int, dialect: Dialect) -> CompiledQuery:
    """Compile a query for `number` keys: SQLAlchemy would write them into its text at each execution."""
    key, *others = query.selected_columns
    wanted = key.in_([bindparam(f"key_{place}") for place in range(number)])
    processors = [each.type.dialect_impl(dialect).result_processor(dialect, None) for each in others]
    conversions = [(place, convert) for place, convert in enumerate(processors, start=1) if convert]
    return CompiledQuery(str(query.where(wanted).compile(dialect=dialect)), conversions)
