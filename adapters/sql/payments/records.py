"""Queries of fee accounts in SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.ledger.tables import ledger_transactions, postings
from adapters.sql.payments.accounts import read_accounts
from adapters.sql.payments.tables import fee_accounts, payment_orders, payments, refunds
from core.kernel.batching import Batcher, PendingItem
from core.kernel.money import Money
from core.kernel.own_writes import View, combined, current_view
from core.ledger.account import AccountKind, LedgerAccount
from core.payments.fee_account import FeeAccount
from core.payments.ports import DueCheck, PaymentRecords, PostedFee

Asked = tuple[UUID, View]
"""A submission, and what the request that asks for its account may see."""


class SqlPaymentRecords(PaymentRecords):
    """Reads of committed rows, without locks; concurrent lookups share the queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[Asked, PostedFee | None](self._look_up_batch)

    async def find(self, submission: UUID) -> PostedFee | None:
        return await self._lookups((submission, current_view.get()))

    async def _look_up_batch(self, batch: Sequence[PendingItem[Asked, PostedFee | None]]) -> None:
        wanted, views = {each.item[0] for each in batch}, [each.item[1] for each in batch]
        query = select(fee_accounts).where(fee_accounts.c.submission_id.in_(wanted))
        async with browsing(self._database, combined(*views)) as connection:
            accounts = await read_accounts(connection, query)
            owed = await balances(connection, accounts.values())
        for each in batch:
            account = accounts.get(each.item[0])
            each.resolve(PostedFee(account=account, balance=owed[account.submission]) if account else None)

    async def submissions_of(self, subjects: Collection[UUID]) -> Mapping[UUID, UUID]:
        if not subjects:
            return {}
        query = union_all(
            *[
                select(each.c.id, each.c.submission_id).where(each.c.id.in_(subjects))
                for each in (payment_orders, payments)
            ]
        )
        async with self._database.reading() as connection:
            return {row.id: row.submission_id for row in await connection.execute(query)}

    async def orders_of(self, gateway: str, gateway_orders: Collection[str]) -> Mapping[str, UUID]:
        if not gateway_orders:
            return {}
        known = payment_orders.c.gateway_order.in_(gateway_orders) & (payment_orders.c.gateway == gateway)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(payment_orders.c.gateway_order, payment_orders.c.id).where(known))
            return {row.gateway_order: row.id for row in rows}

    async def due_checks(self, now: datetime, limit: int) -> Sequence[DueCheck]:
        found: list[tuple[datetime, DueCheck]] = []
        async with self._database.reading() as connection:
            for each in (payment_orders, refunds):
                columns = (each.c.check_at, each.c.submission_id, each.c.id)
                query = select(*columns).where(each.c.check_at <= now).order_by(each.c.check_at).limit(limit)
                found += [
                    (row.check_at, DueCheck(row.submission_id, row.id)) for row in await connection.execute(query)
                ]
        return [check for _, check in sorted(found, key=lambda each: each[0])][:limit]


async def balances(connection: AsyncConnection, accounts: Collection[FeeAccount]) -> Mapping[UUID, Money]:
    """Return what the students owe by the postings about their submissions."""
    owed = {each.submission: Money.zero(each.charged.currency) for each in accounts}
    candidates = {str(LedgerAccount(AccountKind.CANDIDATE, str(each.student))) for each in accounts}
    sign = case((postings.c.debit.in_(candidates), 1), (postings.c.credit.in_(candidates), -1), else_=0)
    same = (postings.c.cause_id == ledger_transactions.c.cause_id) & (postings.c.kind == ledger_transactions.c.kind)
    about, total = ledger_transactions.c.about_id, func.sum(sign * postings.c.amount_minor).label("total")
    query = select(about, total).join_from(ledger_transactions, postings, same).where(about.in_(owed)).group_by(about)
    for row in await connection.execute(query):
        owed[row.about_id] = Money(int(row.total), owed[row.about_id].currency)
    return owed
