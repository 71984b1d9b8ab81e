"""The tables that follow from the event log, and the rows of each record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

from adapters.sql.fees.schedules_and_submissions import submission_row
from adapters.sql.fees.tables import submissions
from adapters.sql.inventory.stock_projection import STOCK_PROJECTION, view_rows
from adapters.sql.inventory.tables import batch_views, line_views, sku_views
from adapters.sql.ledger.tables import ledger_transactions, postings, unsummed_postings
from adapters.sql.ledger.transactions import sum_rows, transaction_rows
from core.fees.submission import FeeSubmitted, Submission, SubmissionState

Rows = Iterable[tuple[Table, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class ProjectedTables:
    """The tables of one projection."""

    lookup: Mapping[Table, Column[Any]]
    """By table the column whose values find the rows of records."""
    rows: Callable[[Any, int], Rows]
    """Returns the rows of a record in one generation."""
    has_generations: bool = False
    completing: Callable[[Sequence[tuple[Table, Mapping[str, Any]]]], Rows] = lambda missing: missing
    """Returns what is inserted for missing rows: they, and what is stored with them."""

    @property
    def tables(self) -> Sequence[Table]:
        """Return the tables."""
        return tuple(self.lookup)


def rows_of_submission(record: Submission | FeeSubmitted, _generation: int) -> Rows:
    """Yield the row of a submission; what an earlier release logged tells a part of its columns."""
    if isinstance(record, Submission):
        yield submissions, submission_row(record)
        return
    yield (
        submissions,
        {
            "id": record.subject,
            "reference": record.reference,
            "student_id": record.student,
            "schedule": record.schedule,
            "schedule_version": record.schedule_version,
            "state": str(SubmissionState.SUBMITTED),
            "total_minor": record.total.minor,
            "currency": record.total.currency,
        },
    )


def with_sums(missing: Sequence[tuple[Table, Mapping[str, Any]]]) -> Rows:
    """Yield missing rows, and for a whole transaction what waits to be added up, as when it is posted."""
    new = {(row["cause_id"], row["kind"]) for table, row in missing if table is ledger_transactions}
    for table, row in missing:
        yield table, row
        if table is postings and (row["cause_id"], row["kind"]) in new:
            yield from ((unsummed_postings, each) for each in sum_rows(row))


PROJECTED_TABLES: Mapping[str, ProjectedTables] = {
    "submissions": ProjectedTables({submissions: submissions.c.id}, rows_of_submission),
    "ledger": ProjectedTables(
        {ledger_transactions: ledger_transactions.c.cause_id, postings: postings.c.cause_id},
        lambda record, _generation: transaction_rows(record),
        completing=with_sums,
    ),
    STOCK_PROJECTION: ProjectedTables(
        {line_views: line_views.c.order_id, batch_views: batch_views.c.reference, sku_views: sku_views.c.sku},
        view_rows,
        has_generations=True,
    ),
}
