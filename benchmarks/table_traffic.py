"""A writer and a reader of one table, and rows that fill it, on MySQL and SQLite."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from sqlalchemy import BINARY, VARBINARY, Column, Date, DateTime, Integer, LargeBinary, Table
from sqlalchemy.ext.asyncio import AsyncEngine

ROWS_PER_STATEMENT = 100_000
PAUSE_SECONDS = 0.005
BODY = json.dumps({"total": {"amount": 150_000, "currency": "INR"}, "papers": ["041", "042"], "remarks": "x" * 200})


class Traffic:
    """A writer and a reader of one table, with the columns that the release before the migration knows."""

    def __init__(self, engine: AsyncEngine, table: Table, first: int) -> None:
        self._engine, self._table, self._numbers = engine, table, count(first)
        self.longest = {"write": 0.0, "read": 0.0}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and read until the end of the block."""
        tasks = [asyncio.create_task(self._repeat(kind)) for kind in self.longest]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _repeat(self, kind: str) -> None:
        while True:
            statement = self._insert() if kind == "write" else self._select()
            began = time.perf_counter()
            await run(self._engine, statement)
            self.longest[kind] = max(self.longest[kind], round(time.perf_counter() - began, 2))
            await asyncio.sleep(PAUSE_SECONDS)

    def _insert(self) -> str:
        return insert(self._table, self._engine.name, f"SELECT {next(self._numbers)} AS i")

    def _select(self) -> str:
        key = next(iter(self._table.primary_key.columns))
        row = f"(SELECT 7 AS i) AS numbers WHERE {self._table.name}.{key.name} = {value(key, self._engine.name)}"
        return f"SELECT {self._table.name}.* FROM {self._table.name}, {row}"  # noqa: S608 - constant names


def value(column: Column[Any], dialect: str) -> str:
    """Return the SQL of a column in row `i`: another value in each row where the type has room."""
    mysql, length = dialect == "mysql", getattr(column.type, "length", None) or 16
    match column.type:
        case _ if column.nullable:
            return "NULL"
        case LargeBinary() | BINARY() | VARBINARY():
            size = min(length, 32)
            return f"UNHEX(LPAD(HEX(i), {2 * size}, '0'))" if mysql else f"CAST(printf('%0{size}d', i) AS BLOB)"
        case Date():
            return "'2026-01-01'"
        case DateTime():
            start = "'2026-01-01'"
            return f"{start} + INTERVAL i SECOND" if mysql else f"datetime({start}, i || ' seconds') || '.000000'"
        case Integer():
            return "1"
        case _ if "TEXT" in str(column.type):
            return f"'{BODY}'"
    long = "CONCAT('R-', i)" if mysql else "'R-' || i"
    return long if length > 16 else f"'{'sent'[:length]}'"


def insert(table: Table, dialect: str, numbers: str) -> str:
    """Return the SQL that inserts a row for each number `i` of a query."""
    columns = [each for each in table.columns if each.computed is None]
    names, values = ", ".join(each.name for each in columns), ", ".join(value(each, dialect) for each in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM ({numbers}) AS numbers"  # noqa: S608 - constants


async def fill(engine: AsyncEngine, table: Table, rows: int) -> None:
    """Insert rows in transactions that are small enough for the redo log."""
    for start in range(0, rows, ROWS_PER_STATEMENT):
        last = min(start + ROWS_PER_STATEMENT, rows) - 1
        numbers = f"SELECT {start} AS i UNION ALL SELECT i + 1 FROM n WHERE i < {last}"  # noqa: S608 - numbers
        await run(engine, insert(table, engine.name, f"WITH RECURSIVE n AS ({numbers}) SELECT i FROM n"))  # noqa: S608
    await run(engine, f"ANALYZE {'TABLE ' if engine.name == 'mysql' else ''}{table.name}")


async def run(engine: AsyncEngine, statement: str) -> Sequence[Any]:
    """Run one statement in a transaction of its own."""
    async with engine.connect() as connection:
        done = await connection.exec_driver_sql(statement)
        rows = list(done) if done.returns_rows else []
        await connection.commit()
        return rows
