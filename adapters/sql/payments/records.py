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
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.payments.fee_account import FeeAccount
from core.payments.ports import DueCheck, PaymentRecords, PostedFee


class SqlPaymentRecords(PaymentRecords):
    """Reads of committed rows, without locks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, submission: UUID) -> PostedFee | None:
        query = select(fee_accounts).where(fee_accounts.c.submission_id == submission)
        async with browsing(self._database) as connection:
            if (account := (await read_accounts(connection, query)).get(submission)) is None:
                return None
            return PostedFee(account=account, balance=await balance(connection, account))

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


async def balance(connection: AsyncConnection, account: FeeAccount) -> Money:
    """Return what the student owes by the postings about the submission."""
    candidate = str(LedgerAccount(AccountKind.CANDIDATE, str(account.student)))
    sign = case((postings.c.debit == candidate, 1), (postings.c.credit == candidate, -1), else_=0)
    same = (postings.c.cause_id == ledger_transactions.c.cause_id) & (postings.c.kind == ledger_transactions.c.kind)
    about = ledger_transactions.c.about_id == account.submission
    query = select(func.sum(sign * postings.c.amount_minor)).join_from(ledger_transactions, postings, same).where(about)
    return Money(int(await connection.scalar(query) or 0), account.charged.currency)
