"""The rows that follow from records, and how stored rows differ from them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.projected_tables import ProjectedTables
from core.messaging.log_records import Comparison, Difference, Records, UnreadableLog

Row = Mapping[str, Any]
Expected = Mapping[Table, Sequence[Row]]


def rows_by_table(projected: ProjectedTables, records: Records, generation: int) -> Expected:
    """Return the rows of records by table."""
    rows = defaultdict[Table, list[Row]](list)
    for record in records:
        for table, row in projected.rows(record, generation):
            rows[table].append(row)
    return rows


async def compare(
    connection: AsyncConnection, projected: ProjectedTables, expected: Expected
) -> tuple[Comparison, Sequence[tuple[Table, Row]]]:
    """Return the comparison of rows with the stored ones, and the missing rows."""
    found, differences, missing = 0, list[Difference](), list[tuple[Table, Row]]()
    for table, rows in expected.items():
        lookup, key_of = projected.lookup[table], key_getter(table)
        which = [lookup.in_({row[lookup.name] for row in rows})]
        if projected.has_generations:  # the first column of the key
            which.append(table.c.generation == rows[0]["generation"])
        query = select(table).where(*which)
        stored = {key_of(each): each for each in [row._asdict() for row in await connection.execute(query)]}
        for row in rows:
            same = stored.get(key_of(row))
            if same is None or ("version" in row and same["version"] < row["version"]):
                missing.append((table, row))
            elif "version" not in row or same["version"] == row["version"]:
                found += 1
                other = [name for name, value in row.items() if same[name] != value]
                differences += [Difference(table.name, told_key(table, row), name) for name in other]
    return Comparison(found, len(missing), differences), missing


@cache
def key_getter(table: Table) -> Callable[[Row], Any]:
    """Return a function that returns the primary key of a row."""
    return itemgetter(*[column.name for column in table.primary_key.columns])


def told_key(table: Table, row: Row) -> str:
    """Return the primary key of a row as people read it."""
    return " ".join(str(row[column.name]) for column in table.primary_key.columns)


def refuse_part(table: Table, row: Row) -> None:
    """Raise `UnreadableLog` for a row of which the log tells a part: a release before this one logged it."""
    if len(row) == len(table.columns):
        return
    lacks = ", ".join(column.name for column in table.columns if column.name not in row)
    raise UnreadableLog(
        f"{table.name} {told_key(table, row)} is missing, and an earlier release logged it without {lacks}: "
        "restore the row from a backup"
    )
