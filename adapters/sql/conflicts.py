"""What a broken constraint means: one table from its name to our words."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.tables import metadata, submissions
from core.fees.errors import FeeAlreadySubmitted, SchedulePublishedMeanwhile
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile
from core.kernel.errors import Conflict, CoreError
from core.kernel.idempotency import RequestRepeated

Row = Mapping[str, Any]

BY_COLUMNS = {
    ", ".join(f"{table.name}.{column.name}" for column in constraint.columns): str(constraint.name)
    for table in metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
}
"""SQLite tells the columns of a broken constraint, MySQL its name, but `PRIMARY` for every primary key."""


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the constraint that an insert broke, or '' if it cannot be told."""
    said = str(error.orig.args[-1]) if error.orig else ""  # not `str(error.orig)`, which escapes quotes in the values
    if found := re.search(r"UNIQUE constraint failed: (.+)", said):
        return BY_COLUMNS.get(found[1].strip(), "")
    if found := re.search(r"for key '(\w+)\.(\w+)'$", said):  # at the end: what comes before quotes the row
        return f"pk_{found[1]}" if found[2] == "PRIMARY" else found[2]
    return ""


async def conflict(connection: AsyncConnection, error: IntegrityError, rows: Mapping[str, Row]) -> CoreError | None:
    """Return what to say of a broken constraint; `rows` are the first rows we wanted, by table."""
    match constraint_of(error):
        case "pk_requests":
            return RequestRepeated("the request took effect before")
        case "uq_submissions_student_schedule":
            return await already_submitted(connection, rows["submissions"])
        case "pk_fee_schedules":
            return SchedulePublishedMeanwhile(f"somebody else just published {rows['fee_schedules']['code']}")
        case "uq_skus_name":
            return ChangedMeanwhile(f"somebody else just opened sku {rows['skus']['name']}")
        case "pk_batches":
            return BatchAlreadyCreated(f"there is a batch {rows['batches']['reference']}")
        case "uq_students_registration" | "uq_event_log_aggregate_version":
            return Conflict("somebody else just changed the same thing")
        case _:
            return None


async def already_submitted(connection: AsyncConnection, wanted: Row) -> FeeAlreadySubmitted:
    """Name the submission that came first."""
    query = select(submissions.c.id, submissions.c.reference).where(
        submissions.c.student_id == wanted["student_id"], submissions.c.schedule == wanted["schedule"]
    )
    first = (await connection.execute(query)).one()
    return FeeAlreadySubmitted(
        f"the candidate submitted this fee before, as {first.reference}",
        facts={"submission": str(first.id), "reference": first.reference},
    )
