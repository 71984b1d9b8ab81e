"""The unit of work: one transaction, seen by every context as its own."""

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self
from zlib import crc32

import msgspec
from sqlalchemy import Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.encoding import as_message
from adapters.sql import tables
from adapters.sql.cases import SqlCases
from adapters.sql.conflicts import conflict
from adapters.sql.database import Locked
from adapters.sql.deliveries import SqlDeliveries
from adapters.sql.fees import SqlSchedules, SqlSubmissions
from adapters.sql.students import SqlStudents, put
from core.fees.ports import FeesWork, ScheduleFormat
from core.notifications.ports import NotificationsWork
from core.shared.clock import Clock
from core.shared.events import Event
from core.shared.ids import Ids
from core.shared.outbox import SHARDS
from core.shared.requests import Request, RequestInProgress
from core.students.ports import StudentsWork

Begin = Callable[[], AbstractAsyncContextManager[tuple[AsyncConnection, AsyncTransaction]]]
"""Begins a transaction, or a savepoint of one; what is not committed is rolled back."""


class SqlUnitOfWork(FeesWork, StudentsWork, NotificationsWork):
    """One transaction.  Inserts wait until the commit, which sends them table by table."""

    def __init__(
        self,
        begin: Begin,
        committed: Callable[[Collection[str]], None],
        schedule_format: ScheduleFormat,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """Tell `committed` which tables got rows."""
        self._begin, self._committed, self._format = begin, committed, schedule_format
        self._clock, self._ids = clock, ids
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._transaction_scope = self._begin()
        self._connection, self._transaction = await self._transaction_scope.__aenter__()
        self.schedules = SqlSchedules(self._insert, self._format)
        self.submissions = SqlSubmissions(self._insert)
        self.students = SqlStudents(self._insert, self._connection)
        self.deliveries = SqlDeliveries(self._insert, self._connection)
        self.cases = SqlCases(self._insert, self._connection, self._ids)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transaction_scope.__aexit__(kind, error, trace)

    def record(self, *events: Event) -> None:
        for event in events:
            message = as_message(event, self._ids.new())
            row = {
                "event_id": message.id,
                "context": message.context,
                "type": message.type,
                "aggregate_id": message.subject,
                "aggregate_version": message.version,
                "at": message.at,
                "body": message.body.decode(),
                "request_id": message.trace.request_id,
                "traceparent": message.trace.traceparent,
            }
            self._insert(tables.event_log, row)
            self._insert(tables.outbox, {"event_id": message.id, "shard": crc32(message.subject.bytes) % SHARDS})

    def answer(self, request: Request, result: object) -> None:
        if request.key is None:
            return
        row = {
            "scope": request.scope,
            "idempotency_key": request.key,
            "fingerprint": request.fingerprint,
            "answer": msgspec.json.encode(result),
            "at": self._clock.now(),
        }
        self._insert(tables.requests, row)

    async def commit(self) -> None:
        try:
            await self._flush()
            await self._transaction.commit()
        except IntegrityError as error:
            await self._transaction.rollback()
            first_rows = {name: rows[0] for name, rows in self._rows.items()}
            raise await conflict(self._connection, error, first_rows) or error from error
        self._committed(self._rows.keys())

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[table.name].append(row)

    async def _flush(self) -> None:
        for name, table in tables.metadata.tables.items():
            if rows := self._rows.get(name):
                statement = put(self._connection.dialect) if table is tables.students else insert(table)
                try:
                    await self._connection.execute(statement, rows)
                except Locked as error:
                    if table is tables.requests:
                        raise RequestInProgress("the same request is being worked on") from error
                    raise
