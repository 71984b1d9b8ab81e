"""The unit of work: one transaction, seen by every context as its own."""

from collections import defaultdict
from types import TracebackType
from typing import Any, Self
from zlib import crc32

import msgspec
from sqlalchemy import Table

from adapters.encoding import message_from_event
from adapters.sql import tables
from adapters.sql.deliveries import SqlDeliveries
from adapters.sql.fees import SqlSchedules, SqlSubmissions
from adapters.sql.in_doubt_deliveries import SqlInDoubtDeliveries
from adapters.sql.inventory import SqlOrderLines, SqlSkus
from adapters.sql.stock_projection import SqlStockProjection
from adapters.sql.students import SqlStudents
from adapters.sql.transactions import Begin, changed
from core.fees.ports import FeesUnitOfWork, ScheduleFormat
from core.inventory.ports import InventoryWork
from core.kernel.clock import Clock
from core.kernel.events import Event
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.messaging.outbox import SHARD_COUNT
from core.notifications.ports import NotificationsWork
from core.students.ports import StudentsUnitOfWork


class SqlUnitOfWork(FeesUnitOfWork, StudentsUnitOfWork, NotificationsWork, InventoryWork):
    """One transaction, or a part of one.  Inserts wait until the commit, which hands them on."""

    def __init__(self, begin: Begin, schedule_format: ScheduleFormat, clock: Clock, ids: Ids) -> None:
        self._begin, self._format, self._clock, self._ids = begin, schedule_format, clock, ids
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._scope = self._begin()
        connect, self._commit = await self._scope.__aenter__()
        self.schedules = SqlSchedules(self._insert, self._format)
        self.submissions = SqlSubmissions(self._insert)
        self.students = SqlStudents(self._insert, connect)
        self.deliveries = SqlDeliveries(self._insert, connect)
        self.cases = SqlInDoubtDeliveries(self._insert, connect, self._ids)
        self.skus = SqlSkus(self._insert, self._change, connect)
        self.order_lines = SqlOrderLines(connect)
        self.stock_projection = SqlStockProjection(self._insert, connect)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._scope.__aexit__(kind, error, trace)

    def record(self, *events: Event) -> None:
        for event in events:
            message = message_from_event(event, self._ids.new())
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
            self._insert(tables.outbox, {"event_id": message.id, "shard": crc32(message.subject.bytes) % SHARD_COUNT})

    def answer(self, request: RequestContext, result: object) -> None:
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
        await self._commit(self._rows)

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[table.name].append(row)

    def _change(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[changed(table)].append(row)
