"""The upper limit of the database: the same rows in the same tables, by statements built before the clock starts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from asyncmy import Connection, connect
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.encoding import MsgspecScheduleFormat
from adapters.sql.engine.inserts import Row, Rows
from adapters.sql.engine.transactions import Scope
from adapters.sql.fees.unit_of_work import SqlFeesUnitOfWork
from adapters.sql.schema import metadata
from adapters.system.clock import SystemClock, TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment
from core.kernel.unit_of_work import Transaction
from tests.examples import a_request, a_submission

BATCH, CLIENTS = 256, 2
"""Submissions per transaction, and concurrent clients."""


def inserted(environment: BenchmarkEnvironment, batches: int) -> float:
    """Insert a number of batches, one transaction each, and return submissions per second."""
    return asyncio.run(insert(environment, batches))


async def insert(environment: BenchmarkEnvironment, batches: int) -> float:
    """Insert a part of the batches with each client."""
    server = environment.mysql
    account = {"user": server.user, "password": server.password, "db": environment.name}
    clients = [await connect(host=server.host, port=server.port, **account) for _ in range(CLIENTS)]
    waiting = [[await statements(clients[0]) for _ in range(batches)] for _ in clients]
    began = time.perf_counter()
    await asyncio.gather(*(commit(client, own) for client, own in zip(clients, waiting, strict=True)))
    took = time.perf_counter() - began
    for client in clients:
        await client.ensure_closed()
    return BATCH * batches * CLIENTS / took


async def commit(client: Connection, batches: Sequence[Sequence[str]]) -> None:
    """Run one transaction after another."""
    async with client.cursor() as cursor:
        for batch in batches:
            for statement in batch:
                await cursor.execute(statement)
            await client.commit()


async def statements(client: Connection) -> list[str]:
    """Build one statement per table that a submission has rows in."""
    stored = [await rows() for _ in range(BATCH)]
    return [
        written(client, name, [row for unit in stored for row in unit.get(name, ())])
        for name in metadata.tables
        if name in stored[0]
    ]


async def rows() -> Rows:
    """Return the rows that the product stores for one submission."""
    kept: list[Rows] = []

    class Keeping(Scope, Transaction):
        """Records the rows instead of storing them."""

        async def connect(self) -> AsyncConnection:
            raise NotImplementedError("a submission only inserts")

        async def commit(self, rows: Rows, signals: Collection[str]) -> None:  # noqa: ARG002 - signature of a unit of work
            kept.append(rows)

        @asynccontextmanager
        async def begin(self) -> AsyncIterator[Scope]:
            yield self

    ids = TimeOrderedIds()
    submission, submitted = a_submission()
    async with SqlFeesUnitOfWork(Keeping(), MsgspecScheduleFormat(), SystemClock(), ids) as work:
        work.submissions.add(submission)
        work.record(submitted)
        work.record_answer(a_request(str(ids.new())), submission)
        await work.commit()
    return kept[0]


def written(client: Connection, table: str, some: Sequence[Row]) -> str:
    """Build an insert of many rows."""
    escape: Callable[[object], str] = client.escape
    values = ",".join(f"({','.join(map(escape, plain(row)))})" for row in some)
    return f"INSERT INTO {table} ({','.join(some[0])}) VALUES {values}"  # noqa: S608 - constant names, escaped values


def plain(row: Row) -> Iterator[object]:
    """Convert values to types of the driver."""
    for value in row.values():
        match value:
            case UUID():
                yield value.bytes
            case datetime():
                yield value.replace(tzinfo=None)
            case str():
                yield str(value)
            case _:
                yield value
