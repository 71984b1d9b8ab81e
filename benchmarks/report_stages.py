"""Reports of an accountant over a million fees: how long they take, and how much memory."""

import resource
import time
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from benchmarks.environment import BenchmarkEnvironment, Figures
from config.container import Application
from core.kernel.report import Report, report_csv

FEES_PER_STATEMENT = 20_000
FEES_PER_DAY = 100_000
SCHEDULE = "bench"
DAY = date(2026, 1, 5)
FEE = "UNHEX(LPAD(HEX(%(first)s + n), 32, '0'))"
AT = f"TIMESTAMP('2026-01-01') + INTERVAL FLOOR((%(first)s + n) * 86400 / {FEES_PER_DAY}) SECOND"
PAYMENT = "UNHEX(CONCAT('1', LPAD(HEX(%(first)s + n), 31, '0')))"
FROM = "FROM numbers WHERE n < %(left)s"
CANDIDATE = f"CONCAT('candidate:', BIN_TO_UUID({FEE}))"
STATEMENTS = (
    (
        "INSERT INTO students (id, registration, name, category, country, centre, certificates, email, phone, language)"
        f" SELECT {FEE}, CONCAT('B-', %(first)s + n), 'Asha Rao', 'general', 'IN', CONCAT('C-', n %% 200), '[]', '',"
        f" '', 'en' {FROM}"
    ),
    (
        "INSERT INTO fee_accounts"
        " (submission_id, student_id, reference, schedule, currency, charged_minor, pay_by, cleared, version)"
        f" SELECT {FEE}, {FEE}, CONCAT('BF-', %(first)s + n), '{SCHEDULE}', 'INR', 150000, '2026-02-01', n %% 2, 1"
        f" {FROM}"
    ),
    f"INSERT INTO ledger_transactions SELECT {FEE}, 'charge', {FEE}, {AT}, 'INR', 2, 150000 {FROM}",
    f"INSERT INTO postings SELECT {FEE}, 'charge', 0, {CANDIDATE}, 'income:examination', 'INR', 100000, {AT} {FROM}",
    f"INSERT INTO postings SELECT {FEE}, 'charge', 1, {CANDIDATE}, 'income:practical', 'INR', 50000, {AT} {FROM}",
    f"INSERT INTO ledger_transactions SELECT {PAYMENT}, 'payment', {FEE}, {AT}, 'INR', 1, 150000 {FROM} AND n %% 2",
    (
        f"INSERT INTO postings SELECT {PAYMENT}, 'payment', 0, 'clearing:razorpay', {CANDIDATE}, 'INR', 150000, {AT}"
        f" {FROM} AND n %% 2"
    ),
)
SUMS = (
    (
        "INSERT INTO daily_sums SELECT credit, currency, DATE(at), -SUM(amount_minor) FROM postings"
        " WHERE credit LIKE 'income:%' GROUP BY 1, 2, 3"
    ),
    (
        "INSERT INTO daily_sums SELECT debit, currency, DATE(at), SUM(amount_minor) FROM postings"
        " WHERE debit LIKE 'clearing:%' GROUP BY 1, 2, 3"
    ),
    "ANALYZE TABLE postings, ledger_transactions, fee_accounts, students",
)


def reports(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure each report over that many fees, half of them paid: five rows of postings for two fees."""
    figures: dict[str, float] = {}
    fill(environment, number)

    async def measured(application: Application) -> None:
        ledger, payments = application.use_cases().ledger, application.use_cases().payments
        made: dict[str, Callable[[], Awaitable[Report[Any]]]] = {
            "day book": lambda: ledger.write_day_book(DAY),
            "collection of a day": lambda: ledger.write_collection(DAY, DAY),
            "dues": lambda: payments.write_dues(SCHEDULE),
            "dues by centre": lambda: payments.write_dues_by_centre(SCHEDULE),
        }
        for name, make in made.items():
            before = peak_mib()
            began, processor = time.perf_counter(), time.process_time()
            rows = await written(await make())
            figures[f"{name}, seconds"] = time.perf_counter() - began
            figures[f"{name}, processor seconds"] = time.process_time() - processor
            figures[f"{name}, lines"] = rows
            figures[f"{name}, MiB more at the peak"] = peak_mib() - before

    environment.prepare(measured)
    return figures


async def written(report: Report[Any]) -> int:
    """Make the CSV, and return the number of its lines."""
    return sum([part.count(b"\n") async for part in report_csv(report)])


def peak_mib() -> float:
    """Return the peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(environment: BenchmarkEnvironment, number: int) -> None:
    """Store the fees with their postings, and the sums that the scheduler would have made."""
    environment.number_rows(FEES_PER_STATEMENT)
    for first in range(0, number, FEES_PER_STATEMENT):
        for each in STATEMENTS:
            environment.sql(each % {"first": first + 1, "left": number - first})
    for each in SUMS:
        environment.sql(each)
