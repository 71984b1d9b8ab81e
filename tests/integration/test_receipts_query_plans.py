"""A page of receipts reads the rows of one range, independent of their number."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from config.container import Application
from core.kernel.money import Money
from core.receipts.receipt import ReceivedPayment
from core.receipts.receipt_search import ReceiptSearch
from tests.databases import statements
from tests.examples import NOON, ids

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
RECEIPTS, PER_BATCH, PAGE = 8_192, 256, 50
STUDENT, FEE = ids.new(), ids.new()
YEAR = "2026-27"


def a_payment(number: int) -> ReceivedPayment:
    return ReceivedPayment(
        payment=ids.new(),
        submission=FEE if number % 4_000 == 0 else ids.new(),
        student=STUDENT if number % 2_000 == 0 else ids.new(),
        reference="BF-7K3M-9QZ4-XA2B-C",
        schedule=f"schedule-{number % 40}",
        amount=Money(150_000, "INR"),
        method="upi",
        paid_at=NOON - timedelta(days=365 * (number % 2)),
    )


@pytest.mark.parametrize(
    ("search", "before", "found", "sorts"),
    [
        (ReceiptSearch(year=YEAR), None, PAGE, False),
        (ReceiptSearch(year=YEAR), f"R-{YEAR}-002000", PAGE, False),
        (ReceiptSearch(year=YEAR, first=100, last=1_000), None, PAGE, False),
        (ReceiptSearch(year=YEAR, schedule="schedule-8"), None, PAGE, False),
        (ReceiptSearch(year=YEAR, schedule="schedule-8"), f"R-{YEAR}-002000", PAGE, False),
        (ReceiptSearch(student=STUDENT), None, 5, True),
        (ReceiptSearch(submission=FEE), None, 3, False),
    ],
    ids=["year", "deep in a year", "range", "schedule", "deep in a schedule", "student", "fee"],
)
async def test_a_page_reads_one_range(
    stored: Application, search: ReceiptSearch, before: str | None, found: int, sorts: bool
) -> None:
    receipts = stored.use_cases().receipts
    for begin in range(0, RECEIPTS, PER_BATCH):
        await receipts.issue_receipts([a_payment(number) for number in range(begin, begin + PER_BATCH)])
    async with stored.storage.database().autocommit() as connection:
        await connection.execute(text("ANALYZE TABLE receipts"))
    asked = statements(stored)

    assert len(await receipts.list_receipts(search, before=before, limit=PAGE)) == found

    [query] = list[Any](asked)
    async with stored.storage.database().reading() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {query.statement}", query.parameters[0])
        [step] = [each for each in plan.mappings() if each["table"] == "receipts"]
    assert step["type"] not in ("ALL", "index"), step
    assert step["key"] in ("PRIMARY", "ix_receipts_schedule", "ix_receipts_student", "ix_receipts_submission")
    assert ("filesort" in (step["Extra"] or "")) is sorts, step
