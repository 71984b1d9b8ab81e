"""Transactions of the ledger in SQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC
from itertools import groupby
from typing import Any

from sqlalchemy import Select, Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.ledger.tables import ledger_transactions, postings, unsummed_postings
from core.kernel.errors import Conflict, CoreError
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.ports import LedgerTransactions
from core.ledger.transaction import LedgerTransaction, Posting, TransactionKey, TransactionKind

KEY = (postings.c.cause_id, postings.c.kind)
SAME = (KEY[0] == ledger_transactions.c.cause_id) & (KEY[1] == ledger_transactions.c.kind)
STORED = select(ledger_transactions.c.about_id, postings).join(postings, SAME)


class SqlLedgerTransactions(LedgerTransactions):
    """A row for each transaction, for each posting, and for each account whose sum changes."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def find(self, keys: Collection[TransactionKey]) -> Mapping[TransactionKey, LedgerTransaction]:
        connection = await self._work.connect()
        return {each.key: each for each in await read(connection, STORED.where(tuple_(*KEY).in_(keys)), *KEY)}

    def add(self, transaction: LedgerTransaction) -> None:
        for table, row in transaction_rows(transaction):
            self._work.insert(table, row)
            if table is postings:
                for each in sum_rows(row):
                    self._work.insert(unsummed_postings, each)


def transaction_rows(transaction: LedgerTransaction) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Yield the rows of a transaction and of its postings."""
    key = {"cause_id": transaction.cause, "kind": str(transaction.kind)}
    told = {"currency": transaction.currency, "at": transaction.at}
    control = {"postings": len(transaction.postings), "posted_minor": transaction.posted_minor}
    yield ledger_transactions, key | {"about_id": transaction.about} | told | control
    for number, each in enumerate(transaction.postings):
        accounts = {"debit": str(each.debit), "credit": str(each.credit)}
        yield postings, key | told | accounts | {"number": number, "amount_minor": each.amount.minor}


def is_summed(account: LedgerAccount) -> bool:
    """Tell whether an account has sums: one student has few postings."""
    return account.kind is not AccountKind.CANDIDATE


def sum_rows(posting: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each sum that a posting changes; their days are those of UTC."""
    day, minor = posting["at"].astimezone(UTC).date(), posting["amount_minor"]
    for account, added in ((posting["debit"], minor), (posting["credit"], -minor)):
        if is_summed(LedgerAccount.parse(account)):
            yield {"account": account, "day": day, "currency": posting["currency"], "amount_minor": added}


async def read(connection: AsyncConnection, query: Select[Any], *order: Any) -> Sequence[LedgerTransaction]:
    """Return transactions in an order of their rows, which keeps the rows of each together."""
    rows = await connection.execute(query.order_by(*order, postings.c.number))
    return [transaction(list(some)) for _, some in groupby(rows, key=lambda row: (row.cause_id, row.kind))]


def transaction(rows: Sequence[Any]) -> LedgerTransaction:
    """Return the transaction of its postings."""
    first = rows[0]
    return LedgerTransaction(
        kind=TransactionKind(first.kind),
        cause=first.cause_id,
        about=first.about_id,
        at=first.at,
        postings=tuple(
            Posting(
                LedgerAccount.parse(row.debit), LedgerAccount.parse(row.credit), Money(row.amount_minor, row.currency)
            )
            for row in rows
        ),
    )


async def posted_meanwhile(_connection: AsyncConnection, _row: Row) -> CoreError:
    """Return the error for two units of work that post one fact."""
    return Conflict.concurrent_change()


ledger_transactions.info[CONFLICTS] = {"pk_ledger_transactions": posted_meanwhile}
