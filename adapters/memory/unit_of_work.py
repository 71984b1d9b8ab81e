"""The unit of work over dictionaries, with the manners of a real database."""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Self

import msgspec

from adapters.encoding import message_from_event
from adapters.memory.database import Store, Transaction
from adapters.memory.deliveries import MemoryDeliveries
from adapters.memory.fees import MemorySchedules, MemorySubmissions
from adapters.memory.in_doubt_deliveries import MemoryInDoubtDeliveries
from adapters.memory.inventory import MemoryOrderLines, MemorySkus
from adapters.memory.stock_views import MemoryStockProjection
from adapters.memory.students import MemoryStudents
from core.fees.ports import FeesUnitOfWork
from core.inventory.ports import InventoryWork
from core.inventory.views import STOCK_VIEWS_CHANGED
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.kernel.events import Event
from core.kernel.idempotency import RequestContext, RequestRepeated
from core.kernel.ids import Ids
from core.messaging.message import Message
from core.messaging.outbox import OUTBOX_SIGNAL
from core.notifications.ports import DELIVERIES_STORED, NotificationsWork
from core.students.ports import StudentsUnitOfWork

Begin = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Begins a transaction, or a part of one; what is not committed is taken back."""
Insert = Callable[[], None]


def insert_all(inserts: Iterable[Insert]) -> None:
    """Insert rows now."""
    for insert in inserts:
        insert()


class MemoryUnitOfWork(FeesUnitOfWork, StudentsUnitOfWork, NotificationsWork, InventoryWork):
    """One transaction, or a part of one.  Inserts wait until the commit, which hands them on."""

    def __init__(
        self,
        store: Store,
        committed: Callable[[Collection[str]], None],
        clock: Clock,
        ids: Ids,
        begin: Begin | None = None,
        insert: Callable[[Iterable[Insert]], None] = insert_all,
    ) -> None:
        """Work on a store, as part of a transaction that others `begin` or in one of its own."""
        self._database, self._begin, self._committed = store, begin or store.transaction, committed
        self._clock, self._ids, self._insert = clock, ids, insert
        self._inserts: list[Insert] = []

    async def __aenter__(self) -> Self:
        self._scope = self._begin()
        self._transaction = await self._scope.__aenter__()
        self._start = self._transaction.mark()
        self._done = False
        self.schedules = MemorySchedules(self._database, self._transaction, self._inserts)
        self.submissions = MemorySubmissions(self._database, self._transaction, self._inserts)
        self.students = MemoryStudents(self._database, self._transaction, self._inserts)
        self.deliveries = MemoryDeliveries(self._database, self._transaction, self._inserts)
        self.cases = MemoryInDoubtDeliveries(self._database, self._transaction)
        self.skus = MemorySkus(self._database, self._transaction, self._inserts)
        self.order_lines = MemoryOrderLines(self._database)
        self.stock_projection = MemoryStockProjection(self._database, self._transaction, self._inserts, self._clock)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._done:
            self._transaction.rollback_to(self._start)
        await self._scope.__aexit__(kind, error, trace)

    def record(self, *events: Event) -> None:
        for event in events:
            self._inserts.append(partial(self._record, message_from_event(event, self._ids.new())))

    def answer(self, request: RequestContext, result: object) -> None:
        if request.key is not None:
            self._inserts.insert(0, partial(self._answer, request, request.key, result))

    async def commit(self) -> None:
        try:
            self._insert(self._inserts)
        except BaseException:
            self._transaction.rollback_to(self._start)
            raise
        self._done = True
        self._committed([OUTBOX_SIGNAL, DELIVERIES_STORED, STOCK_VIEWS_CHANGED])

    def _record(self, message: Message) -> None:
        key = message.subject, message.version
        if key in self._database.versions:
            raise Conflict("somebody else just changed the same thing")
        self._database.positions += 1
        self._transaction.put(self._database.versions, key, message.id)
        self._transaction.put(self._database.events, message.id, message)
        self._transaction.put(self._database.outbox, self._database.positions, message)

    def _answer(self, request: RequestContext, key: str, result: object) -> None:
        if (request.scope, key) in self._database.requests:
            raise RequestRepeated("the request took effect before")
        row = (request.fingerprint, msgspec.json.encode(result), self._clock.now())
        self._transaction.put(self._database.requests, (request.scope, key), row)
