"""Fee accounts in SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, Insert, Select, bindparam, exists, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row
from adapters.sql.engine.inserts import UPSERT
from adapters.sql.engine.types import Id
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.rows import (
    account_row,
    as_account,
    as_fine,
    as_order,
    as_payment,
    as_refund,
    as_waiver,
    rows_of,
)
from adapters.sql.payments.tables import fee_accounts, fines, payment_orders, payments, refunds, waivers
from core.kernel.errors import Conflict, CoreError
from core.payments.fee_account import FeeAccount
from core.payments.ports import FeeAccounts


class SqlFeeAccounts(FeeAccounts):
    """Rows of six tables; only those that differ from what was read are written."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work
        self._read: dict[tuple[str, UUID], dict[str, Any]] = {}

    async def lock(self, submissions: Collection[UUID], *, wait: bool = True) -> Mapping[UUID, FeeAccount]:
        held = await read_accounts(await self._work.connect(), LOCKED if wait else FREE, {"wanted": list(submissions)})
        for account in held.values():
            for row in rows_of(account):
                self._read[row.table.name, key_of(row.values)] = row.values
        return held

    def add(self, account: FeeAccount) -> None:
        self._work.insert(fee_accounts, account_row(account))

    def save(self, account: FeeAccount) -> None:
        for row in rows_of(account):
            before = self._read.get((row.table.name, key_of(row.values)))
            if before is None:
                self._work.insert(row.table, row.values)
            elif before != row.values:
                self._work.change(row.table, row.values)


def key_of(values: Mapping[str, Any]) -> UUID:
    """Return the primary key of a row."""
    key: UUID = values.get("id") or values["submission_id"]
    return key


WANTED = bindparam("wanted", type_=Id, expanding=True)
ORDERS = {
    payment_orders: (payment_orders.c.opened_at, payment_orders.c.id),
    refunds: (refunds.c.reserved_at, refunds.c.id),
    payments: (payments.c.paid_at, payments.c.id),
    waivers: (waivers.c.requested_at, waivers.c.id),
    fines: (fines.c.since, fines.c.rule),
}
"""The other tables; a reader without the lock finds the payment of each refund, because it reads that later."""
ROWS = {
    each.name: select(each).where(each.c.submission_id.in_(WANTED)).order_by(*order) for each, order in ORDERS.items()
}
ARE_STORED = select(*[exists().where(each.c.submission_id.in_(WANTED)).label(each.name) for each in ORDERS])


# One order of locks, so that two transactions over several accounts cannot deadlock.
ORDERED = select(fee_accounts).where(fee_accounts.c.submission_id.in_(WANTED)).order_by(fee_accounts.c.submission_id)
LOCKED, FREE = ORDERED.with_for_update(), ORDERED.with_for_update(skip_locked=True)


async def read_accounts(
    connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any] | None = None
) -> dict[UUID, FeeAccount]:
    """Return the whole accounts that a query of their table finds; most have rows in one or two other tables."""
    held = {row.submission_id: as_account(row) for row in await connection.execute(query, values)}
    if not held:
        return held
    wanted = {"wanted": list(held)}
    stored = (await connection.execute(ARE_STORED, wanted)).mappings().one()
    rows = {name: (await connection.execute(ROWS[name], wanted)).all() for name in ROWS if stored[name]}
    fill(held, defaultdict(list, rows))
    return held


def fill(accounts: Mapping[UUID, FeeAccount], rows: Mapping[str, Sequence[Any]]) -> None:
    """Give accounts what the other tables have of them, by the name of the table."""
    for row in rows[payment_orders.name]:
        accounts[row.submission_id].orders.append(as_order(row))
    received = {row.id: as_payment(row) for row in rows[payments.name]}
    for row in rows[payments.name]:
        accounts[row.submission_id].payments.append(received[row.id])
    for row in rows[refunds.name]:
        received[row.payment_id].refunds.append(as_refund(row))
    for row in rows[waivers.name]:
        accounts[row.submission_id].waivers.append(as_waiver(row))
    for row in rows[fines.name]:
        accounts[row.submission_id].fines.append(as_fine(row))


def add_missing(dialect: Dialect) -> Insert:
    """Return an insert that keeps an existing account; `IGNORE` would hide other errors."""
    if dialect.name == "mysql":
        return mysql.insert(fee_accounts).on_duplicate_key_update({"version": fee_accounts.c.version})
    return sqlite.insert(fee_accounts).on_conflict_do_nothing(index_elements=["submission_id"])


async def stored_meanwhile(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for two units of work that store one payment or refund."""
    return Conflict.concurrent_change()


fee_accounts.info[UPSERT] = add_missing
payments.info[CONFLICTS] = {"uq_payments_gateway_payment": stored_meanwhile, "pk_payments": stored_meanwhile}
fines.info[CONFLICTS] = {"pk_fines": stored_meanwhile, "uq_fines_instalment_rule_day": stored_meanwhile}
refunds.info[CONFLICTS] = {"pk_refunds": stored_meanwhile}
