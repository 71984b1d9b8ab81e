"""The ceiling of the database: the same rows in the same tables, by statements made before the clock starts."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncmy import Connection, connect

from adapters.encoding import MsgspecScheduleFormat
from adapters.sql import tables
from adapters.sql.transactions import Row, Rows
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.system.clock import SystemClock, TimeOrderedIds
from benchmarks.environment import Office
from tests.examples import a_request, a_submission

BATCH, CLIENTS = 256, 2
"""Submissions in one transaction, and who send transactions at the same time."""


def inserted(office: Office, batches: int) -> float:
    """Insert so many batches, one transaction each, and return submissions a second."""
    return asyncio.run(insert(office, batches))


async def insert(office: Office, batches: int) -> float:
    """Let each client insert its part."""
    server = office.mysql
    account = {"user": server.user, "password": server.password, "db": office.name}
    clients = [await connect(host=server.host, port=server.port, **account) for _ in range(CLIENTS)]
    waiting = [[await statements(clients[0]) for _ in range(batches)] for _ in clients]
    began = time.perf_counter()
    await asyncio.gather(*(commit(client, own) for client, own in zip(clients, waiting, strict=True)))
    took = time.perf_counter() - began
    for client in clients:
        await client.ensure_closed()
    return BATCH * batches * CLIENTS / took


async def commit(client: Connection, batches: Sequence[Sequence[str]]) -> None:
    """Send one transaction after another."""
    async with client.cursor() as cursor:
        for batch in batches:
            for statement in batch:
                await cursor.execute(statement)
            await client.commit()


async def statements(client: Connection) -> list[str]:
    """Write one statement for each table that a submission has rows in."""
    stored = [await rows() for _ in range(BATCH)]
    return [
        written(client, name, [row for unit in stored for row in unit.get(name, ())])
        for name in tables.metadata.tables
        if name in stored[0]
    ]


async def rows() -> Rows:
    """Return what the product stores of one submission."""
    kept: list[Rows] = []

    async def keep(some: Rows) -> None:
        kept.append(some)

    @asynccontextmanager
    async def begin() -> AsyncIterator[Any]:
        yield None, keep

    ids = TimeOrderedIds()
    submission, submitted = a_submission()
    async with SqlUnitOfWork(begin, MsgspecScheduleFormat(), SystemClock(), ids) as work:
        work.submissions.add(submission)
        work.record(submitted)
        work.answer(a_request(str(ids.new())), submission)
        await work.commit()
    return kept[0]


def written(client: Connection, table: str, some: Sequence[Row]) -> str:
    """Write an insert of many rows."""
    escape: Callable[[object], str] = client.escape
    values = ",".join(f"({','.join(map(escape, plain(row)))})" for row in some)
    return f"INSERT INTO {table} ({','.join(some[0])}) VALUES {values}"  # noqa: S608 - names of ours, values escaped


def plain(row: Row) -> Iterator[object]:
    """Turn values into what the driver knows."""
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
