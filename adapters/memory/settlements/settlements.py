"""Settlement files in the memory database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.payments.payment import Payment
from core.settlements.ports import Collected, ExceptionList, MissingPayment, SettlementExceptions, SettlementLines
from core.settlements.settlement_line import (
    ExceptionKind,
    ExceptionState,
    KnownFact,
    PlacedLine,
    SettlementException,
)


class MemorySettlementLines(SettlementLines):
    """What each line is about, and the import that has seen it last, by its id."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def known(self, lines: Collection[UUID]) -> Mapping[UUID, UUID]:
        stored = self._work.database.settlement_lines
        return {each: stored[each][1] for each in lines if each in stored}

    async def see(self, lines: Collection[UUID], by: UUID) -> None:
        stored = self._work.database.settlement_lines
        for each in lines:
            self._work.undo_log.put(stored, each, (stored[each][0], by))

    def add(self, lines: Sequence[PlacedLine], gateway: str, by: UUID) -> None:  # noqa: ARG002 - the id tells the gateway
        stored = self._work.database.settlement_lines
        for each in lines:
            self._work.inserts.append(partial(self._work.undo_log.put, stored, each.id, (each.about, by)))


class MemoryCollected(Collected):
    """Searches all fee accounts."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._database = work.database

    async def payments(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        return {each.gateway_payment: self._fact(each) for each in self._all(gateway) if each.gateway_payment in names}

    async def payments_of_orders(self, gateway: str, orders: Collection[str]) -> Mapping[str, KnownFact]:
        placed = {
            each.id: each.gateway_order
            for account in self._database.fee_accounts.values()
            for each in account.orders
            if each.gateway == gateway and each.gateway_order in orders
        }
        paid = [each for each in self._all(gateway) if each.order in placed]
        alone = [each for each in paid if [other.order for other in paid].count(each.order) == 1]
        return {placed[each.order]: self._fact(each) for each in alone if each.order}

    async def refunds(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        return {
            refund.gateway_refund: KnownFact(
                refund.id, -refund.amount.minor, refund.amount.currency, refund.id in self._settled()
            )
            for payment in self._all(gateway)
            for refund in payment.refunds
            if refund.gateway_refund in names
        }

    async def unsettled(
        self, gateway: str, since: datetime, until: datetime, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[MissingPayment]:
        excused = self._settled() | {each.about for each in self._database.settlement_exceptions.values()}
        found = sorted(
            (each.paid_at, each.id, each)
            for each in self._all(gateway)
            if since <= each.paid_at < until and each.id not in excused
        )
        return [
            MissingPayment(each.id, each.gateway_payment, each.amount, at)
            for at, key, each in found
            if after is None or (at, key) > after
        ][:limit]

    def _all(self, gateway: str) -> Iterator[Payment]:
        for account in self._database.fee_accounts.values():
            yield from [each for each in account.payments if each.gateway == gateway]

    def _settled(self) -> set[UUID | None]:
        return {about for about, _ in self._database.settlement_lines.values()}

    def _fact(self, payment: Payment) -> KnownFact:
        amount = payment.amount
        return KnownFact(payment.id, amount.minor, amount.currency, payment.id in self._settled())


class MemorySettlementExceptions(SettlementExceptions):
    """Exceptions by id; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work, self._stored = work, work.database.settlement_exceptions

    async def lock(self, exception: UUID) -> SettlementException | None:
        found = self._stored.get(exception)
        return copy(found) if found else None

    def add(self, exception: SettlementException) -> None:
        if exception.id not in self._stored:
            self.save(exception)

    def save(self, exception: SettlementException) -> None:
        self._work.inserts.append(partial(self._work.undo_log.put, self._stored, exception.id, copy(exception)))

    async def close_found(self) -> None:
        settled = {about for about, _ in self._work.database.settlement_lines.values()}
        for found in list(self._stored.values()):
            is_open = found.state is ExceptionState.OPEN and found.kind is ExceptionKind.MISSING_THERE
            if is_open and found.about in settled:
                closed = copy(found)
                closed.state = ExceptionState.FOUND
                self._work.undo_log.put(self._stored, found.id, closed)


class MemoryExceptionList(ExceptionList):
    """Searches all exceptions."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(
        self, state: ExceptionState, kind: ExceptionKind | None, after: UUID | None, limit: int
    ) -> Sequence[SettlementException]:
        found = [
            each
            for each in self._database.settlement_exceptions.values()
            if each.state is state and kind in (None, each.kind) and (after is None or each.id > after)
        ]
        return sorted(found, key=lambda each: each.id)[:limit]
