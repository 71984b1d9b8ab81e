"""Finds fees by their names in SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, FromClause, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.types import Id
from adapters.sql.fees.tables import submissions
from adapters.sql.payments.tables import fee_accounts
from adapters.sql.students.tables import students
from core.kernel.batching import Batcher, PendingItem
from core.payments.ports import FeeNames, NamedFee

Name = UUID | str
"""A submission id or a reference."""
PendingName = PendingItem[Name, NamedFee | None]


class SqlFeeNames(FeeNames):
    """Reads committed rows; concurrent lookups share the queries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[Name, NamedFee | None](self._look_up_batch)

    async def find(self, name: str) -> NamedFee | None:
        try:
            return await self._lookups(UUID(name))
        except ValueError:  # a name that the driver cannot encode would fail the whole batch
            return await self._lookups(name.upper()) if name.isascii() else None

    async def _look_up_batch(self, batch: Sequence[PendingName]) -> None:
        async with self._database.reading() as connection:
            found = await fees_of(connection, [each.item for each in batch], CHARGED, is_charged=True)
            others = [each.item for each in batch if each.item not in found]
            found |= await fees_of(connection, others, SUBMITTED, is_charged=False)
        for each in batch:
            each.resolve(found.get(each.item))


def queries(fees: FromClause, submission: Column[UUID]) -> dict[type[Name], Any]:
    """Return the queries of a table by the type of the names."""
    columns = (submission.label("submission"), fees.c.reference, fees.c.student_id, students.c.centre)
    joined = fees.outerjoin(students, students.c.id == fees.c.student_id)
    if fees is not submissions:
        joined = joined.outerjoin(submissions, submissions.c.id == submission)
    query = select(*columns, submissions.c.received_at).select_from(joined)
    return {
        UUID: query.where(submission.in_(bindparam("names", type_=Id, expanding=True))),
        str: query.where(fees.c.reference.in_(bindparam("names", expanding=True))),
    }


CHARGED = queries(fee_accounts, fee_accounts.c.submission_id)
SUBMITTED = queries(submissions, submissions.c.id)


async def fees_of(
    connection: AsyncConnection, names: Sequence[Name], by_type: dict[type[Name], Any], *, is_charged: bool
) -> dict[Name, NamedFee]:
    """Return the fees of a table that have one of these names."""
    found: dict[Name, NamedFee] = {}
    for kind, query in by_type.items():
        if wanted := [each for each in names if isinstance(each, kind)]:
            for row in await connection.execute(query, {"names": wanted}):
                name = row.submission if kind is UUID else row.reference
                found[name] = NamedFee(row.submission, row.student_id, row.centre or "", row.received_at, is_charged)
    return found
