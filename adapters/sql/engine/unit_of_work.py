"""The unit of work in SQL: buffers rows until the commit of its transaction, or of its part of one."""

from collections import defaultdict
from types import TracebackType
from typing import Any, Self
from zlib import crc32

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.encoding import audit_record_of
from adapters.sql.engine.inserts import changed_key
from adapters.sql.engine.tables import audit_records, audit_unsealed, event_log, outbox, requests
from adapters.sql.engine.transactions import Scope
from core.kernel.audit import MAX_ACTOR_LENGTH, Deed
from core.kernel.authorization import current_principal
from core.kernel.clock import Clock
from core.kernel.events import Event
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.kernel.trace import current_trace
from core.kernel.unit_of_work import Transaction, UnitOfWork
from core.messaging.outbox import OUTBOX_SIGNAL, SHARD_COUNT


class SqlUnitOfWork(UnitOfWork):
    """Buffers rows until the commit; each context adds its repositories."""

    def __init__(self, transactions: Transaction, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        self._part = (within or transactions).begin()
        self.clock, self.ids = clock, ids
        self._rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._signals: set[str] = set()

    async def __aenter__(self) -> Self:
        self._scope: Scope = await self._part.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._part.__aexit__(kind, error, trace)
        # Its repositories refer to it: left to the garbage collector, the cycle takes 5 % of a submission.
        vars(self).clear()

    def record(self, *events: Event, kept: object = None) -> None:
        actor, trace = current_principal.get().subject[:MAX_ACTOR_LENGTH], current_trace.get()
        kept_text = None if kept is None else msgspec.json.encode(kept).decode()
        for event in events:
            event_id = self.ids.new()
            row = {
                "event_id": event_id,
                "context": event.context,
                "type": event.MESSAGE_TYPE,
                "aggregate_id": event.subject,
                "aggregate_version": event.version,
                "at": event.at,
                "body": msgspec.json.encode(event).decode(),
                "request_id": trace.request_id,
                "traceparent": trace.traceparent,
                "actor": actor,
                "kept": kept_text,
            }
            self.insert(event_log, row)
            self.insert(outbox, {"event_id": event_id, "shard": crc32(event.subject.bytes) % SHARD_COUNT})
            self.wake(OUTBOX_SIGNAL)

    def record_answer(self, request: RequestContext, result: object) -> None:
        if request.key is None:
            return
        row = {
            "scope": request.scope,
            "idempotency_key": request.key,
            "fingerprint": request.fingerprint,
            "answer": msgspec.json.encode(result),
            "at": self.clock.now(),
        }
        self.insert(requests, row)

    def audit(self, deed: Deed) -> None:
        record = audit_record_of(deed, self.ids.new(), self.clock.now())
        self.insert(audit_records, {column.name: getattr(record, column.name) for column in audit_records.columns})
        self.insert(audit_unsealed, {"record_id": record.id})

    async def commit(self) -> None:
        await self._scope.commit(self._rows, self._signals)

    async def connect(self) -> AsyncConnection:
        """Return the connection of the transaction, which the first call begins."""
        return await self._scope.connect()

    def insert(self, table: Table, row: dict[str, Any]) -> None:
        """Add a row for the commit to insert."""
        self._rows[table.name].append(row)

    def change(self, table: Table, row: dict[str, Any]) -> None:
        """Add a row for the commit to insert, or to overwrite the row with the same key."""
        self._rows[changed_key(table.name)].append(row)

    def wake(self, signal: str) -> None:
        """Notify the listeners of a signal after the commit."""
        self._signals.add(signal)
