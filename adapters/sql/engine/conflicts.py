"""Translates violated constraints into core errors."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.tables import event_log, metadata, requests
from core.kernel.errors import Conflict, CoreError
from core.kernel.idempotency import RequestRepeated

Row = Mapping[str, Any]
CONFLICTS = "conflicts"
"""Key of `Table.info`: the error of each constraint, by its name."""
Meaning = Callable[[AsyncConnection, Row], Awaitable[CoreError]]
"""Returns the error for a constraint, given the first row that was to be inserted."""


def constraints_by_columns() -> Mapping[str, str]:
    """Return the names of constraints by their columns: SQLite reports only the columns."""
    return {
        ", ".join(f"{table.name}.{column.name}" for column in unique.columns): str(unique.name or f"pk_{table.name}")
        for table in metadata.tables.values()
        for unique in (*table.constraints, *(index for index in table.indexes if index.unique))
        if isinstance(unique, PrimaryKeyConstraint | UniqueConstraint | Index)
    }


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the violated constraint, '' if unknown."""
    said = str(error.orig.args[-1]) if error.orig else ""  # `str(error.orig)` would escape quotes in the values
    if found := re.search(r"UNIQUE constraint failed: (.+)", said):
        return constraints_by_columns().get(found[1].strip(), "")
    if found := re.search(r"for key '(\w+)\.(\w+)'$", said):  # anchored at the end: the text before it quotes the row
        return f"pk_{found[1]}" if found[2] == "PRIMARY" else found[2]
    return ""


async def conflict(connection: AsyncConnection, error: IntegrityError, rows: Mapping[str, Row]) -> CoreError | None:
    """Return the core error of a violated constraint; `rows` holds the first row for each table."""
    broken = constraint_of(error)
    for name, row in rows.items():
        table = metadata.tables.get(name)
        meaning: Meaning | None = table.info.get(CONFLICTS, {}).get(broken) if table is not None else None
        if meaning:
            return await meaning(connection, row)
    return None


async def request_repeated(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for a stored idempotency key."""
    return RequestRepeated.already_effective()


async def concurrent_change(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for two concurrent changes."""
    return Conflict.concurrent_change()


requests.info[CONFLICTS] = {"pk_requests": request_repeated}
event_log.info[CONFLICTS] = {"uq_event_log_aggregate_version": concurrent_change}
