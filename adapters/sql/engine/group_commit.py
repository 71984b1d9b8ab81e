"""Commits units of work that wait at the same moment in one transaction.

The cost of a commit, a round trip for each table and a disk flush, is almost independent of the number of rows.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import cache
from operator import itemgetter
from typing import Any

from prometheus_client import Histogram
from sqlalchemy import ColumnElement, Table, select, tuple_

from adapters.sql.engine.database import Database
from adapters.sql.engine.driver_errors import Locked
from adapters.sql.engine.inserts import Row, Rows, flush
from adapters.sql.engine.tables import NATURAL_KEY, event_log, metadata
from adapters.sql.engine.transactions import Commit
from core.kernel.batching import PendingItem
from core.kernel.errors import Unavailable
from core.kernel.idempotency import RequestInProgress
from core.kernel.own_writes import Position

COMMIT_OUTCOME_TIMEOUT_SECONDS, COMMIT_OUTCOME_POLL_SECONDS = 5.0, 0.25
"""The duration and interval of queries for the outcome of a batch whose commit got no answer."""
BATCH_UNITS = Histogram(
    "bursar_commit_batch_units", "Units of work that one transaction commits", buckets=[1, 2, 5, 10, 20, 50, 100, 200]
)
MAX_CONCURRENT_SINGLE_COMMITS = 4
"""Units of work that commit alone at the same time; the limit leaves connections for others."""
PendingUnit = PendingItem[Rows, Position]
"""The rows of one unit of work, and the future of its commit."""


@cache
def natural_keys() -> Mapping[Table, Sequence[ColumnElement[Any]]]:
    """Return the keys that clients choose, by table; they can collide."""
    tables = [table for table in metadata.tables.values() if NATURAL_KEY in table.info]
    return {table: [table.c[name] for name in table.info[NATURAL_KEY]] for table in tables}


class GroupCommit:
    """Commits batches of units of work; of a failed batch, only the units that caused the failure get an error."""

    def __init__(self, database: Database, single_commits: Commit) -> None:
        """Commit units that cannot be part of a batch with `single_commits`."""
        self._database, self._single_commits = database, single_commits
        self._tasks: set[asyncio.Task[None]] = set()
        self._permits = asyncio.Semaphore(MAX_CONCURRENT_SINGLE_COMMITS)

    async def commit_batch(self, batch: Sequence[PendingUnit]) -> None:
        """Commit a batch; resolve each unit or give it its error, or raise `Unavailable` for all."""
        rows, sent = combined_rows(batch), False
        try:
            async with self._database.transaction() as (connection, transaction):
                await flush(rows, connection)
                sent = True
                await transaction.commit()
                position = self._database.written(connection)
        except (Locked, RequestInProgress) as held:
            if len(batch) == 1:
                batch[0].fail(held)
            else:
                self._commit_singly(batch)  # only the units that need the held lock wait for it
        except Exception as failure:
            if sent:
                self._start(self._resolve_by_lookup(batch, rows, failure))
            elif isinstance(failure, Unavailable):
                raise
            else:
                await self._isolate_failures(batch)
        else:
            BATCH_UNITS.observe(len(batch))
            for unit in batch:
                unit.resolve(position)

    async def _isolate_failures(self, batch: Sequence[PendingUnit]) -> None:
        """Commit units with colliding keys singly and the others together; without a collision, halve the batch."""
        colliding = batch if len(batch) == 1 else await self._colliding(batch)
        if colliding:
            if others := [unit for unit in batch if unit not in colliding]:
                await self.commit_batch(others)
            self._commit_singly(colliding)
        else:
            await self.commit_batch(batch[: len(batch) // 2])
            await self.commit_batch(batch[len(batch) // 2 :])

    async def _colliding(self, batch: Sequence[PendingUnit]) -> Sequence[PendingUnit]:
        """Return units with a natural key that is stored, or that an earlier unit of the batch has."""
        found: list[PendingUnit] = []
        for table, columns in natural_keys().items():
            names = [column.name for column in columns]
            wanted = [
                (unit, tuple(row[name] for name in names)) for unit in batch for row in unit.item.get(table.name, ())
            ]
            query = select(*columns).where(tuple_(*columns).in_([key for _, key in wanted]))
            async with self._database.reading() as connection:
                taken = {tuple(row) for row in await connection.execute(query)} if wanted else set()
            for unit, key in wanted:
                if key in taken and unit not in found:
                    found.append(unit)
                taken.add(key)
        return found

    def _commit_singly(self, units: Sequence[PendingUnit]) -> None:
        async def commit_one(unit: PendingUnit) -> None:
            try:
                async with self._permits:
                    position = await self._single_commits(unit.item)
            except Exception as failure:
                unit.fail(failure)
            else:
                unit.resolve(position)

        for unit in units:
            self._start(commit_one(unit))

    async def _resolve_by_lookup(self, batch: Sequence[PendingUnit], rows: Rows, failure: Exception) -> None:
        """Resolve a batch whose commit got no answer: if one of its events is stored, all rows are."""
        is_stored: bool | None = None
        position: Position = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(COMMIT_OUTCOME_TIMEOUT_SECONDS):
                while rows.get(event_log.name) and is_stored is None:
                    with suppress(Exception):  # any error: the waiting units must be resolved
                        found = await self._is_stored(rows[event_log.name][0]["event_id"])
                        position = await self._database.position()
                        is_stored = found
                    await asyncio.sleep(0 if is_stored is not None else COMMIT_OUTCOME_POLL_SECONDS)
        for unit in batch:
            if is_stored:
                unit.resolve(position)
            else:
                unit.fail(Unavailable(f"the database did not say whether it stored this: {failure}", retry_after=1))

    async def _is_stored(self, event: object) -> bool:
        """Return whether an event is stored; waits for a transaction that is still inserting it."""
        query = select(event_log.c.event_id).where(event_log.c.event_id == event).with_for_update(read=True)
        async with self._database.transaction() as (connection, _):
            return (await connection.execute(query)).first() is not None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in a task: the queue of batches must not wait."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def combined_rows(batch: Sequence[PendingUnit]) -> Rows:
    """Return all rows by table, sorted by natural key: one order for all transactions prevents deadlocks."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for unit in batch:
        for name, some in unit.item.items():
            rows[name] += some
    for table in natural_keys():
        if table.name in rows:
            rows[table.name].sort(key=itemgetter(*table.info[NATURAL_KEY]))
    return rows
