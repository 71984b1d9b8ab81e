"""Balances and statements in SQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.ledger.tables import daily_sums, ledger_transactions, postings, unsummed_postings
from adapters.sql.ledger.transactions import STORED, is_summed, read
from core.kernel.money import Money
from core.ledger.account import LedgerAccount
from core.ledger.ports import Balances
from core.ledger.transaction import LedgerTransaction


class SqlBalances(Balances):
    """Adds sums of whole days and the postings that are in none; a student's account has no sums."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, account: LedgerAccount) -> Sequence[Money]:
        if is_summed(account):
            return await self._add_up(summed(account))
        return await self._add_up(posted(account))

    async def as_of(self, account: LedgerAccount, moment: datetime) -> Sequence[Money]:
        return await self._add_up(before(account, moment))

    async def statement(self, about: UUID) -> Sequence[LedgerTransaction]:
        query = STORED.where(ledger_transactions.c.about_id == about)
        async with browsing(self._database) as connection:
            return await read(connection, query, postings.c.at, postings.c.cause_id, postings.c.kind)

    async def _add_up(self, parts: Sequence[Select[Any]]) -> Sequence[Money]:
        """Add up in one statement: a posting is moved into its sum by one transaction, before it or after it."""
        async with browsing(self._database) as connection:
            return await add_up(connection, parts)


async def add_up(connection: AsyncConnection, parts: Sequence[Select[Any]]) -> Sequence[Money]:
    """Return the sum of the parts in each currency."""
    rows = union_all(*parts).subquery()
    query = select(rows.c.currency, func.sum(rows.c.minor)).group_by(rows.c.currency).order_by(rows.c.currency)
    return [Money(int(minor), currency) for currency, minor in await connection.execute(query)]


def before(account: LedgerAccount, moment: datetime) -> list[Select[Any]]:
    """Select what an account had before a moment: the sums of whole days, and the postings of the last day."""
    earlier = postings.c.at < moment
    if not is_summed(account):
        return posted(account, earlier)
    day = moment.astimezone(UTC).date()
    last_day = earlier & (postings.c.at >= datetime.combine(day, time.min, UTC))
    whole_days = summed(account, daily_sums.c.day < day, unsummed_postings.c.day < day)
    return [*whole_days, *posted(account, last_day)]


def summed(account: LedgerAccount, *when: ColumnElement[bool]) -> list[Select[Any]]:
    """Select the sums of an account and what is in none; `when` has a condition for each."""
    sums = select(daily_sums.c.currency, daily_sums.c.sum_minor.label("minor")).where(
        daily_sums.c.account == str(account), *when[:1]
    )
    rest = select(unsummed_postings.c.currency, unsummed_postings.c.amount_minor.label("minor")).where(
        unsummed_postings.c.account == str(account), *when[1:]
    )
    return [sums, rest]


def posted(account: LedgerAccount, *when: ColumnElement[bool]) -> list[Select[Any]]:
    """Select the postings of an account."""
    amount = postings.c.amount_minor
    debited = select(postings.c.currency, amount.label("minor")).where(postings.c.debit == str(account), *when)
    credited = select(postings.c.currency, (-amount).label("minor")).where(postings.c.credit == str(account), *when)
    return [debited, credited]
