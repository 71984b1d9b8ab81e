"""`just bench-migrations`: the delay of reads and writes of large tables while migrations change them."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from sqlalchemy import MetaData, Table
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.environment import BenchmarkEnvironment
from benchmarks.table_traffic import ROWS_PER_STATEMENT, Traffic, fill, run
from tests import containers as stack
from tests.e2e.workspace import BURSAR

LARGE_TABLES: Mapping[str, Sequence[str]] = {
    "deliveries": ("0003", "0005", "0011"),
    "event_log": ("0004", "0010", "0017", "0033"),
    "delivery_attempts": ("0007",),
    "inbox": ("0012",),
    "students": ("0013", "0018"),
    "accounts": ("0021",),
    "sessions": ("0022",),
    "passwords": ("0022",),
    "fee_accounts": ("0028",),
    "fines": ("0028",),
    "receipts": ("0031",),
    "ledger_transactions": ("0030",),
}
"""Tables that grow with candidates, fees or messages, and the migrations that change them."""
SMALL_TABLES = {"dead_letters", "vendor_standings"}
"""Changed tables of a few thousand rows: refused messages are rare, and vendors are few."""
CALM_SECONDS = 5.0
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
