"""Queries of waivers in SQL."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from adapters.sql.ledger.tables import ledger_transactions, postings
from adapters.sql.payments.rows import as_waiver
from adapters.sql.payments.tables import fee_accounts, waivers
from core.ledger.account import AccountKind, LedgerAccount
from core.payments.ports import WaitingWaiver, Waivers
from core.payments.waiver import WaiverState


class SqlWaivers(Waivers):
    """Reads of committed rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, after: UUID | None, limit: int) -> Sequence[WaitingWaiver]:
        query = select(waivers, fee_accounts.c.reference).join(
            fee_accounts, fee_accounts.c.submission_id == waivers.c.submission_id
        )
        query = query.where(waivers.c.state == WaiverState.REQUESTED)
        if after:
            query = query.where(waivers.c.id > after)
        async with browsing(self._database) as connection:
            rows = await connection.execute(query.order_by(waivers.c.id).limit(limit))
            return [WaitingWaiver(row.submission_id, row.reference, as_waiver(row)) for row in rows]

    async def submission_of(self, waiver: UUID) -> UUID | None:
        async with self._database.reading() as connection:
            found: UUID | None = await connection.scalar(select(waivers.c.submission_id).where(waivers.c.id == waiver))
            return found

    async def heads(self, submission: UUID) -> Collection[str]:
        same = (postings.c.cause_id == ledger_transactions.c.cause_id) & (postings.c.kind == ledger_transactions.c.kind)
        about = ledger_transactions.c.about_id == submission
        query = select(postings.c.credit).distinct().join_from(ledger_transactions, postings, same).where(about)
        async with self._database.reading() as connection:
            credited = [LedgerAccount.parse(each) for each in await connection.scalars(query)]
        return {each.name for each in credited if each.kind is AccountKind.INCOME}
