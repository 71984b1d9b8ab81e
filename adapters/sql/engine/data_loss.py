"""Finds what downgrades would delete, before they do."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection, event, inspect

from adapters.sql.engine.migration_journal import WRITES
from adapters.sql.engine.tables import column_encryption, heartbeat

DROPS_TABLE = re.compile(r"\s*(?:DROP TABLE|TRUNCATE(?: TABLE)?)\s+`?(\w+)", re.IGNORECASE)
DELETES_ROWS = re.compile(r"\s*DELETE FROM\s+`?(\w+)", re.IGNORECASE)
DROPS_COLUMN = re.compile(r"\s*ALTER TABLE\s+`?(\w+)`?\s+DROP COLUMN\s+`?(\w+)", re.IGNORECASE)
RENAMES_TO = re.compile(r"\s*ALTER TABLE\s+\S+\s+RENAME TO\s+\W?(\w+)", re.IGNORECASE)


def losses(connection: Connection, scripts: Sequence[Script]) -> list[str]:
    """Return the filled tables and columns that the downgrades of the scripts delete, with their numbers of rows."""
    undone = connection.begin_nested()
    with noted_writes(connection) as statements, Operations.context(MigrationContext.configure(connection)):
        for script in scripts:
            script.module.downgrade()
    undone.rollback()
    return list(described(connection, statements))


@contextmanager
def noted_writes(connection: Connection) -> Iterator[list[str]]:
    """Note the writes of a connection; only SQLite, which can undo all of them, executes them."""
    noted: list[str] = []

    def note(_cursor: Any, statement: str, *values_and_context: Any) -> bool:
        if values_and_context[-1].root_connection is not connection or not WRITES.match(statement):
            return False
        noted.append(statement)
        return bool(connection.dialect.name == "mysql")

    names = "do_execute", "do_executemany", "do_execute_no_params"
    for name in names:
        event.listen(connection.engine, name, note)
    try:
        yield noted
    finally:
        for name in names:
            event.remove(connection.engine, name, note)


def described(connection: Connection, statements: Sequence[str]) -> Iterator[str]:
    """Return the losses of statements; tables without rows, and those that only describe the database, lose nothing."""
    kept = {found[1] for each in statements if (found := RENAMES_TO.match(each))}
    dropped = [found[1] for each in statements if (found := DROPS_TABLE.match(each)) and found[1] not in kept]
    present = set(inspect(connection).get_table_names()) - {heartbeat.name, column_encryption.name}
    for name in dict.fromkeys(each for each in dropped if each in present):
        if count := rows(connection, name):
            yield f"table {name} ({count:,} rows)"
    for each in statements:
        column, deleted = DROPS_COLUMN.match(each), DELETES_ROWS.match(each)
        table = (column or deleted or [None, ""])[1]
        if table in present and table not in dropped and (count := rows(connection, table)):
            yield f"column {table}.{column[2]} ({count:,} rows)" if column else f"rows of table {table} ({count:,})"


def rows(connection: Connection, table: str) -> int:
    """Return the number of rows of a table."""
    count: int = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one()  # noqa: S608 - from a migration
    return count
