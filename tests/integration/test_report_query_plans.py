"""A report of one day, or of one schedule, reads its own rows and not the ledger."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from adapters.sql.ledger.tables import daily_sums, ledger_transactions, postings
from adapters.sql.payments.tables import fee_accounts
from adapters.sql.students.tables import students
from config.container import Application
from core.kernel.report import Report
from tests.databases import statements

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
DAYS, FEES_PER_DAY = 40, 250
SMALL = (None, "daily_sums", "unsummed_postings")
"""Tables of some rows for each day, or for what is not added up yet."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def fee(number: int) -> UUID:
    return UUID(int=number + 1)


@pytest.fixture
async def large(stored: Application) -> Application:
    """Store ten thousand charges on forty days, of forty schedules."""
    facts = [(number, fee(number), FIRST + timedelta(seconds=number * 345)) for number in range(DAYS * FEES_PER_DAY)]
    rows: dict[Any, list[dict[str, Any]]] = {
        students: [
            {"id": key, "registration": f"T-{number}", "name": "Asha", "category": "general", "country": "IN",
             "centre": f"C-{number % 50}", "certificates": "[]", "email": "", "phone": "", "language": "en"}
            for number, key, _ in facts
        ],
        fee_accounts: [
            {"submission_id": key, "student_id": key, "reference": f"BF-{number}", "schedule": f"s-{number % DAYS}",
             "currency": "INR", "charged_minor": 500, "cleared": number % 2 == 0, "version": 1}
            for number, key, _ in facts
        ],
        ledger_transactions: [
            {"cause_id": key, "kind": "charge", "about_id": key, "at": at, "currency": "INR", "postings": 1,
             "posted_minor": 500}
            for _, key, at in facts
        ],
        postings: [
            {"cause_id": key, "kind": "charge", "number": 0, "debit": f"candidate:{key}", "credit": "income:exam",
             "currency": "INR", "amount_minor": 500, "at": at}
            for _, key, at in facts
        ],
        daily_sums: [
            {"account": "income:exam", "currency": "INR", "day": FIRST.date() + timedelta(days=day),
             "sum_minor": -500 * FEES_PER_DAY}
            for day in range(DAYS)
        ],
    }  # fmt: skip
    async with stored.storage.database().autocommit() as connection:
        for table, some in rows.items():
            for begin in range(0, len(some), 5_000):
                await connection.execute(insert(table), some[begin : begin + 5_000])
        await connection.execute(text(f"ANALYZE TABLE {', '.join(table.name for table in rows)}"))
    return stored


async def count(report: Report[Any]) -> int:
    return sum([len(page) async for page in report.pages])


async def assert_reads_few(stored: Application, asked: set[Any], most: int) -> None:
    async with stored.storage.database().reading() as connection:
        for each in [each for each in asked if each.statement.startswith("SELECT")]:
            plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {each.statement}", each.parameters[0])
            for step in plan.mappings():
                may_scan = str(step["table"]).startswith("<") or step["table"] in SMALL
                assert may_scan or step["type"] not in ("ALL", "index"), (dict(step), each.statement)
                assert (step["rows"] or 0) <= most, (dict(step), each.statement)


async def test_a_day_book_reads_the_postings_of_its_day(large: Application) -> None:
    asked = statements(large)
    lines = await count(await large.use_cases().ledger.write_day_book(date(2026, 1, 20)))

    assert FEES_PER_DAY <= lines <= FEES_PER_DAY + 4
    await assert_reads_few(large, asked, 4 * FEES_PER_DAY)


async def test_a_collection_reads_the_transactions_of_its_days(large: Application) -> None:
    asked = statements(large)
    day = date(2026, 1, 20)
    lines = await count(await large.use_cases().ledger.write_collection(day, day, "s-3"))

    assert lines == 1
    await assert_reads_few(large, asked, 4 * FEES_PER_DAY)


async def test_dues_read_the_fees_of_their_schedule(large: Application) -> None:
    asked = statements(large)
    lines = await count(await large.use_cases().payments.write_dues("s-3", date(2026, 3, 1)))

    assert lines == FEES_PER_DAY
    await assert_reads_few(large, asked, 4 * FEES_PER_DAY)
