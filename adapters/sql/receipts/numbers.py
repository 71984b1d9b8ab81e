"""Draws the numbers of receipts."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from sqlalchemy import Connection, Dialect, Insert, select
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.inserts import Row
from adapters.sql.receipts.tables import receipt_counters as counters


def with_numbers(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows with the next numbers of their series and years; a rollback gives the numbers back.

    It is the last thing that a transaction does: from here to its commit all others that issue receipts wait.
    """
    by_counter = defaultdict[tuple[str, str], list[Row]](list)
    for row in rows:
        by_counter[row["series"], row["year"]].append(row)
    # In key order: two transactions that draw from the same counters cannot deadlock.
    return list(chain.from_iterable(numbered(connection, *key, by_counter[key]) for key in sorted(by_counter)))


def numbered(connection: Connection, series: str, year: str, rows: Sequence[Row]) -> list[Row]:
    """Return rows of one counter with its next numbers."""
    key = {"series": series, "year": year}
    connection.execute(drawing(connection.dialect), {**key, "last_number": len(rows)})
    last: int = connection.execute(select(counters.c.last_number).filter_by(**key)).scalar_one()
    return [{**row, "number": number} for number, row in enumerate(rows, last - len(rows) + 1)]


def drawing(dialect: Dialect) -> Insert:
    """Return the statement that adds to a counter, which the first receipt of a year creates."""
    if dialect.name == "mysql":
        new = mysql.insert(counters)
        return new.on_duplicate_key_update(last_number=counters.c.last_number + new.inserted.last_number)
    added = sqlite.insert(counters)
    total = counters.c.last_number + added.excluded.last_number
    return added.on_conflict_do_update(index_elements=("series", "year"), set_={"last_number": total})
