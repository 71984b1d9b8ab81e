"""Compares the rows of projections with the event log, and completes them, in the memory database."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.fees.schedules_and_submissions import MemorySubmissions
from adapters.memory.ledger.ledger import MemoryLedgerTransactions
from adapters.memory.messaging.projections import MemoryEventHistory
from adapters.memory.projected_rows import compare
from core.fees.submission import Submission
from core.ledger.transaction import LedgerTransaction
from core.messaging.log_records import (
    Comparison,
    LogSnapshot,
    LogSnapshots,
    Records,
    RecordStore,
    UnreadableLog,
)
from core.messaging.message import Message


class MemoryLogSnapshots(LogSnapshots):
    """Opens snapshots, which see later changes too."""

    def __init__(self, consumer: str, database: MemoryDatabase) -> None:
        self._consumer, self._database = consumer, database

    @asynccontextmanager
    async def open(self, projection: str) -> AsyncIterator[LogSnapshot]:
        yield MemoryLogSnapshot(self._consumer, self._database, projection)


class MemoryLogSnapshot(LogSnapshot):
    """Reads the memory database."""

    def __init__(self, consumer: str, database: MemoryDatabase, projection: str) -> None:
        self._consumer, self._database = consumer, database
        self._projection, self._live = projection, database.projections[projection].live

    async def events(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        return await MemoryEventHistory(self._database).page(context, after, limit)

    async def compare(self, records: Records) -> Comparison:
        return compare(self._database, records, self._live)

    async def count(self) -> int:
        if self._projection == "submissions":
            return len(self._database.submissions)
        if self._projection == "ledger":
            return len(self._database.ledger_transactions)
        views: Sequence[Any] = (self._database.line_views, self._database.batch_views, self._database.sku_views)
        return sum(key[0] == self._live for view in views for key in view)

    async def unprocessed(self, events: Sequence[Message]) -> Collection[UUID]:
        inbox = self._database.inbox
        log = self._database.events
        oldest = min([event for _, event in inbox if event in log], default=None)
        unknown = [each for each in events if (self._consumer, each.id) not in inbox]
        return {each.id for each in unknown if oldest is None or each.id >= oldest}


class MemoryRecordStore(RecordStore):
    """Inserts the rows that are missing."""

    def __init__(self, database: MemoryDatabase, new_work: Callable[[], MemoryUnitOfWork]) -> None:
        self._database, self._new_work = database, new_work

    async def complete(self, projection: str, records: Records) -> Comparison:  # noqa: ARG002 - records name their table
        async with self._new_work() as work:
            for record in records:
                if compare(self._database, [record], 0).missing:
                    insert(work, record)
            compared = compare(self._database, records, 0)
            await work.commit()
        return compared

    async def derive(self, projection: str) -> int:  # noqa: ARG002 - there are no sums
        return 0


def insert(work: MemoryUnitOfWork, record: Any) -> None:
    """Insert a record; raise `UnreadableLog` for one of which the log tells a part."""
    match record:
        case Submission():
            MemorySubmissions(work).add(record)
        case LedgerTransaction():
            MemoryLedgerTransactions(work).add(record)
        case _:
            raise UnreadableLog(
                f"submissions {record.subject} is missing, and an earlier release logged it without received_at, "
                "document: restore the row from a backup"
            )
