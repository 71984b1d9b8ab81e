"""Lines of settlement files in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, or_, select, update

from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.tables import payment_orders, payments, refunds
from adapters.sql.settlements.tables import settlement_exceptions, settlement_lines
from core.kernel.money import Money
from core.settlements.ports import Collected, MissingPayment, SettlementLines
from core.settlements.settlement_line import KnownFact, PlacedLine


class SqlSettlementLines(SettlementLines):
    """Rows of one table."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def known(self, lines: Collection[UUID]) -> Mapping[UUID, UUID]:
        query = select(settlement_lines.c.id, settlement_lines.c.seen_by).where(settlement_lines.c.id.in_(lines))
        rows = await (await self._work.connect()).execute(query)
        return {row.id: row.seen_by for row in rows}

    async def see(self, lines: Collection[UUID], by: UUID) -> None:
        seen = update(settlement_lines).where(settlement_lines.c.id.in_(lines)).values(seen_by=by)
        await (await self._work.connect()).execute(seen)

    def add(self, lines: Sequence[PlacedLine], gateway: str, by: UUID) -> None:
        for key, line, about in lines:
            self._work.insert(
                settlement_lines,
                {
                    "id": key,
                    "gateway": gateway,
                    "seen_by": by,
                    "about_id": about,
                    "settlement": line.settlement,
                    "currency": line.currency,
                    "gross_minor": line.gross,
                    "fee_minor": line.fee,
                    "at": line.at,
                },
            )


class SqlCollected(Collected):
    """Reads of the tables of payments, in the transaction of the import."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def payments(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        named = (payments.c.gateway == gateway) & payments.c.gateway_payment.in_(names)
        return await self._facts(facts(payments, payments.c.gateway_payment).where(named), names)

    async def payments_of_orders(self, gateway: str, orders: Collection[str]) -> Mapping[str, KnownFact]:
        named = (payment_orders.c.gateway == gateway) & payment_orders.c.gateway_order.in_(orders)
        others = payments.alias("others")
        alone = ~exists().where(
            others.c.order_id == payment_orders.c.id,
            others.c.submission_id == payments.c.submission_id,
            others.c.id != payments.c.id,
        )
        joined = and_(
            payments.c.order_id == payment_orders.c.id, payments.c.submission_id == payment_orders.c.submission_id
        )
        query = facts(payments, payment_orders.c.gateway_order, (payment_orders, joined)).where(named, alone)
        return await self._facts(query, orders)

    async def refunds(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        paid = payments.c.id == refunds.c.payment_id
        named = (payments.c.gateway == gateway) & refunds.c.gateway_refund.in_(names)
        query = facts(refunds, refunds.c.gateway_refund, (payments, paid)).where(named)
        found = await self._facts(query, names)
        return {name: fact._replace(minor=-fact.minor) for name, fact in found.items()}

    async def unsettled(
        self, gateway: str, since: datetime, until: datetime, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[MissingPayment]:
        at, key = payments.c.paid_at, payments.c.id
        query = select(payments).where(payments.c.gateway == gateway, at >= since, at < until)
        for each in (settlement_lines, settlement_exceptions):
            query = query.where(~exists().where(each.c.about_id == key))
        if after:
            query = query.where(or_(at > after[0], and_(at == after[0], key > after[1])))
        rows = await (await self._work.connect()).execute(query.order_by(at, key).limit(limit))
        return [
            MissingPayment(row.id, row.gateway_payment, Money(row.amount_minor, row.currency), row.paid_at)
            for row in rows
        ]

    async def _facts(self, query: Select[Any], names: Collection[str]) -> dict[str, KnownFact]:
        if not names:
            return {}
        rows = await (await self._work.connect()).execute(query)
        return {row[0]: KnownFact(*row[1:]) for row in rows}


def facts(table: Any, name: Any, joined: tuple[Any, Any] | None = None) -> Select[Any]:
    """Return a query of facts by their names, with the lines that have settled them."""
    line = settlement_lines
    query = select(
        name, table.c.id, table.c.amount_minor, table.c.currency, line.c.about_id.is_not(None).label("is_settled")
    )
    query = query.select_from(table).outerjoin(line, line.c.about_id == table.c.id)
    return query.join(*joined) if joined else query


settlement_lines.info[CONFLICTS] = {
    "pk_settlement_lines": concurrent_change,
    "uq_settlement_lines_about": concurrent_change,
}
