"""One transaction for many units of work that wait at the same moment.

A commit costs a round trip for each table and a wait for the disk, however many rows it has.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import select, tuple_

from adapters.sql.database import Database, Locked
from adapters.sql.tables import event_log, requests, submissions
from adapters.sql.transactions import Commit, Row, Rows, flush
from core.kernel.batching import PendingItem
from core.kernel.errors import Unavailable
from core.kernel.idempotency import RequestInProgress

COMMIT_OUTCOME_TIMEOUT_SECONDS, COMMIT_OUTCOME_POLL_SECONDS = 5.0, 0.25
"""For how many seconds, and how often, we ask what became of a batch whose commit got no answer."""
MAX_CONCURRENT_SINGLE_COMMITS = 4
"""Units that may be stored alone at a time: others need connections, too."""
NATURAL_KEYS = {
    requests: (requests.c.scope, requests.c.idempotency_key),
    submissions: (submissions.c.student_id, submissions.c.schedule),
}
"""Keys that candidates choose, and so may choose twice."""
PendingUnit = PendingItem[Rows, None]
"""The rows of one unit of work, and somebody who waits for them."""


class GroupCommit:
    """Stores rows of units of work together; of a batch that fails, only the guilty see an error."""

    def __init__(self, database: Database, alone: Commit) -> None:
        """Leave those whom a batch does not suit to `alone`."""
        self._database, self._alone = database, alone
        self._beside: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(MAX_CONCURRENT_SINGLE_COMMITS)

    async def store(self, batch: Sequence[PendingUnit]) -> None:
        """Store a batch, or see to it that each unit learns what became of it; raise `Unavailable` for all of them."""
        rows, sent = together(batch), False
        try:
            async with self._database.transaction() as (connection, transaction):
                await flush(rows, connection)
                sent = True
                await transaction.commit()
        except (Locked, RequestInProgress) as held:
            if len(batch) == 1:
                batch[0].fail(held)
            else:
                self._commit_singly(batch)  # only those wait whom somebody keeps waiting
        except Exception as failure:
            if sent:
                self._start(self._find_out(batch, rows, failure))
            elif isinstance(failure, Unavailable):
                raise
            else:
                await self._isolate_failures(batch)
        else:
            for unit in batch:
                unit.end(None)

    async def _isolate_failures(self, batch: Sequence[PendingUnit]) -> None:
        """Store the innocent together, and each of the others alone; halve a batch where all look innocent."""
        guilty = batch if len(batch) == 1 else await self._suspects(batch)
        if guilty:
            if innocent := [unit for unit in batch if unit not in guilty]:
                await self.store(innocent)
            self._commit_singly(guilty)
        else:
            await self.store(batch[: len(batch) // 2])
            await self.store(batch[len(batch) // 2 :])

    async def _suspects(self, batch: Sequence[PendingUnit]) -> Sequence[PendingUnit]:
        """Return units that chose a key which is stored, or which somebody before them in the batch chose."""
        found: list[PendingUnit] = []
        for table, columns in NATURAL_KEYS.items():
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
        async def store(unit: PendingUnit) -> None:
            try:
                async with self._places:
                    await self._alone(unit.item)
            except Exception as failure:
                unit.fail(failure)
            else:
                unit.end(None)

        for unit in units:
            self._start(store(unit))

    async def _find_out(self, batch: Sequence[PendingUnit], rows: Rows, failure: Exception) -> None:
        """Ask what became of a batch whose commit got no answer: an event, which only we can store, tells for all."""
        is_there = None
        with suppress(TimeoutError):
            async with asyncio.timeout(COMMIT_OUTCOME_TIMEOUT_SECONDS):
                while rows.get(event_log.name) and is_there is None:
                    with suppress(Exception):  # whatever it is: they wait, and have to hear something
                        is_there = await self._is_there(rows[event_log.name][0]["event_id"])
                    await asyncio.sleep(0 if is_there is not None else COMMIT_OUTCOME_POLL_SECONDS)
        for unit in batch:
            if is_there:
                unit.end(None)
            else:
                unit.fail(Unavailable(f"the database did not say whether it stored this: {failure}", retry_after=1))

    async def _is_there(self, event: object) -> bool:
        """Wait for whoever is still storing an event, and look whether it is stored."""
        query = select(event_log.c.event_id).where(event_log.c.event_id == event).with_for_update(read=True)
        async with self._database.transaction() as (connection, _):
            return (await connection.execute(query)).first() is not None

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the queue, which must not wait for it."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)


def together(batch: Sequence[PendingUnit]) -> Rows:
    """Return all rows by table; those that others may want too in one order for all, which keeps deadlocks away."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for unit in batch:
        for name, some in unit.item.items():
            rows[name] += some
    for table, columns in NATURAL_KEYS.items():
        rows[table.name].sort(key=lambda row: [row[column.name] for column in columns])
    return rows
