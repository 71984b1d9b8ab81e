"""The unit of work over the memory database, with the constraints of the SQL tables."""

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

import msgspec

from adapters.encoding import audit_record_of, message_from_event
from adapters.memory.engine.database import MemoryDatabase, Scope
from core.kernel.audit import AuditRecord, Deed
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.kernel.events import Event
from core.kernel.idempotency import RequestContext, RequestRepeated
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction, UnitOfWork
from core.messaging.message import Message
from core.messaging.outbox import OUTBOX_SIGNAL


class MemoryUnitOfWork(UnitOfWork):
    """Buffers inserts until the commit; each context adds its repositories."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self._part = (within or database).begin()
        self.inserts: list[Callable[[], None]] = []
        self._signals: set[str] = set()

    async def __aenter__(self) -> Self:
        self._scope: Scope = await self._part.__aenter__()
        self.undo_log = self._scope.undo_log
        self._start = self.undo_log.mark()
        self._done = False
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done:
            self.undo_log.rollback_to(self._start)
        await self._part.__aexit__(kind, error, trace)

    def record(self, *events: Event, kept: object = None) -> None:
        for event in events:
            self.inserts.append(partial(self._record, message_from_event(event, self.ids.new(), kept)))
            self.wake(OUTBOX_SIGNAL)

    def record_answer(self, request: RequestContext, result: object) -> None:
        if request.key is not None:
            self.inserts.insert(0, partial(self._answer, request, request.key, result))

    def audit(self, deed: Deed) -> None:
        self.inserts.append(partial(self._audit, audit_record_of(deed, self.ids.new(), self.clock.now())))

    async def commit(self) -> None:
        try:
            self._scope.insert(self.inserts)
        except BaseException:
            self.undo_log.rollback_to(self._start)
            raise
        self._done = True
        self._scope.notify(self._signals)

    def wake(self, signal: str) -> None:
        """Notify the listeners of a signal after the commit."""
        self._signals.add(signal)

    def _record(self, message: Message) -> None:
        key = message.subject, message.version
        if key in self.database.versions:
            raise Conflict.concurrent_change()
        self.database.positions += 1
        self.undo_log.put(self.database.versions, key, message.id)
        self.undo_log.put(self.database.events, message.id, message)
        self.undo_log.put(self.database.outbox, self.database.positions, message)

    def _audit(self, record: AuditRecord) -> None:
        self.undo_log.put(self.database.audit_records, record.id, record)

    def _answer(self, request: RequestContext, key: str, result: object) -> None:
        if (request.scope, key) in self.database.requests:
            raise RequestRepeated.already_effective()
        row = (request.fingerprint, msgspec.json.encode(result), self.clock.now())
        self.undo_log.put(self.database.requests, (request.scope, key), row)
