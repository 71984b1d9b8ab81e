"""`just bench-migrations`: the delay of reads and writes of large tables while migrations change them."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from sqlalchemy import BINARY, VARBINARY, Column, DateTime, Integer, LargeBinary, MetaData, Table
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.environment import BenchmarkEnvironment
from tests import containers as stack
from tests.e2e.workspace import BURSAR

LARGE_TABLES: Mapping[str, Sequence[str]] = {
    "deliveries": ("0003", "0005", "0011"),
    "event_log": ("0004", "0010", "0017"),
    "delivery_attempts": ("0007",),
    "inbox": ("0012",),
    "students": ("0013", "0018"),
    "accounts": ("0021",),
    "sessions": ("0022",),
    "passwords": ("0022",),
}
"""Tables that grow with candidates, fees or messages, and the migrations that change them."""
SMALL_TABLES = {"dead_letters", "vendor_standings"}
"""Changed tables of a few thousand rows: refused messages are rare, and vendors are few."""
ROWS_PER_STATEMENT = 100_000
PAUSE_SECONDS, CALM_SECONDS = 0.005, 5.0
BODY = json.dumps({"total": {"amount": 150_000, "currency": "INR"}, "papers": ["041", "042"], "remarks": "x" * 200})
CHANGES = (
    "SELECT digest_text, count_star - sum_errors, sum_timer_wait / 1e12"
    " FROM performance_schema.events_statements_summary_by_digest"
    " WHERE schema_name = DATABASE() AND digest_text REGEXP '^(EXECUTE )?(ALTER|CREATE [A-Z ]*INDEX)'"
)
"""The statements, how often they succeeded, and their seconds."""
FOR_MANY_ROWS = f"SET sql_log_bin = 0, cte_max_recursion_depth = {ROWS_PER_STATEMENT}"
FORGET = "TRUNCATE performance_schema.events_statements_summary_by_digest"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one migration of one table costs; times in seconds."""

    table: str
    migration: str
    rows: int
    seconds: float
    """Of the command, with the start of its process."""
    changing: float
    """Of the statements that change the table, as MySQL measured them."""
    longest_write: float
    longest_read: float
    calm_write: float
    """The longest write of five seconds without a migration."""
    statements: Sequence[str]


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


async def migrate(variables: Mapping[str, str], target: str) -> float:
    """Run `bursar migrate` in a process of its own, and return its seconds."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(BURSAR, "migrate", "--to", target, env=os.environ | variables)
    if code := await process.wait():
        raise RuntimeError(f"bursar migrate --to {target} ended with {code}")
    return time.perf_counter() - began


async def costs(engine: AsyncEngine, variables: Mapping[str, str], name: str, rows: int) -> AsyncIterator[Cost]:
    """Fill a table at the revision before its first change, and run its migrations under traffic."""
    await migrate(variables, f"{LARGE_TABLES[name][0]}-1")
    async with engine.connect() as connection:
        table = await connection.run_sync(lambda it: Table(name, MetaData(), autoload_with=it))
    await fill(engine, table, rows)
    for turn, migration in enumerate(LARGE_TABLES[name], 1):
        await migrate(variables, f"{migration}-1")
        before, during = (Traffic(engine, table, rows + (2 * turn + part) * 10**6) for part in (0, 1))
        async with before.running():
            await asyncio.sleep(CALM_SECONDS)
        if engine.name == "mysql":
            await run(engine, FORGET)
        async with during.running():
            seconds = await migrate(variables, migration)
        done = await run(engine, CHANGES) if engine.name == "mysql" else []
        changes = [(f"{times} x {each}", float(took)) for each, times, took in done if f"`{name}`" in each]
        changing = sum(took for _, took in changes)
        write, read, calm = during.longest["write"], during.longest["read"], before.longest["write"]
        told = [each for each, _ in changes]
        yield Cost(name, migration, rows, round(seconds, 2), round(changing, 2), write, read, calm, told)


async def measure(url: str, variables: Mapping[str, str], name: str, rows: int) -> None:
    """Print the cost of each migration of a table as a line of JSON."""
    arguments = {"timeout": 600} if url.startswith("sqlite") else {"init_command": FOR_MANY_ROWS}
    engine = create_async_engine(url, connect_args=arguments)
    try:
        async for cost in costs(engine, variables, name, rows):
            typer.echo(json.dumps(asdict(cost)))
    finally:
        await engine.dispose()


def main(
    rows: int = 10_000_000,
    only: Annotated[str, typer.Option(help="Some of the tables, with commas between.")] = ",".join(LARGE_TABLES),
    sqlite: Annotated[bool, typer.Option(help="Measure SQLite instead of MySQL.")] = False,
) -> None:
    """Fill one large table after the other, and run its migrations while it is written and read."""
    with nullcontext(stack.MySqlServer("unused", 3306, "unused")) if sqlite else stack.mysql() as server:
        for name in only.split(","):
            with TemporaryDirectory() as folder:
                environment = BenchmarkEnvironment(server, None, Path(folder))
                if sqlite:
                    path = f"{folder}/bursar.db"
                    variables = environment.variables(ADAPTERS__PERSISTENCE="sqlite", SQLITE__PATH=path)
                    asyncio.run(measure(f"sqlite+aiosqlite:///{path}", variables, name, rows))
                    continue
                address = f"{server.user}:{server.password}@{server.host}:{server.port}"
                environment.sql(f"CREATE DATABASE {environment.name}", database="")
                try:
                    url = f"mysql+asyncmy://{address}/{environment.name}"
                    asyncio.run(measure(url, environment.variables(), name, rows))
                finally:
                    environment.sql(f"DROP DATABASE {environment.name}", database="")


if __name__ == "__main__":
    typer.run(main)
