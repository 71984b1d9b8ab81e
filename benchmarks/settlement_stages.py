"""Import of a settlement file of a million lines, and the reports of an accountant, in a large ledger."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.environment import BenchmarkEnvironment, Figures
from config.container import Application
from core.settlements.import_settlement import SettlementReport
from entrypoints.cli.files import read_chunks
from entrypoints.settlement_mappings import shipped_mapping

HEAD = (
    "transaction_entity,entity_id,amount,currency,fee (exclusive tax),tax,debit,credit,payment_method,order_id,"
    "settlement_id,settled_at,settlement_utr\n"
)
PAYMENTS_PER_STATEMENT = 20_000
LINES_PER_TRANSFER = 5_000


def settlements(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure the import of a file of as many lines as there are payments, and of the same file again."""
    figures: dict[str, float] = {}
    file = environment.folder / "settlement.csv"
    write_file(file, number)
    fill(environment, number)

    async def measured(application: Application) -> None:
        for what in ("", ", again"):
            began, before = time.perf_counter(), time.process_time()
            report = await imported(application, file)
            figures[f"settlement lines/s{what} (bar: 16,667)"] = number / (time.perf_counter() - began)
            figures[f"settlement import, processor seconds{what}"] = time.process_time() - before
            if (report.matched, report.repeated) != ((0, number) if what else (number, 0)):
                raise RuntimeError(f"{number} lines have a payment each: {report}")
        figures["settlement import, peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    environment.prepare(measured)
    return figures


async def imported(application: Application, file: Path) -> SettlementReport:
    """Import the file."""
    return await application.use_cases().settlements.import_settlement(shipped_mapping("razorpay"), read_chunks(file))


def lines(number: int) -> Iterator[str]:
    """Yield the lines of payments of 1,500 rupees, of which the gateway keeps 35.40."""
    for each in range(number):
        at = f"{1 + each * 28 // number:02}/10/2026 10:00:00"
        transfer = each // LINES_PER_TRANSFER
        yield f"payment,pay_{each:020},1500.00,INR,30.00,5.40,0.00,1464.60,upi,order_{each:020},setl_{transfer},{at},\n"


def write_file(file: Path, number: int) -> None:
    """Write a file in the form of Razorpay's."""
    with file.open("w", encoding="utf-8") as text:
        text.write(HEAD)
        text.writelines(lines(number))


def fill(environment: BenchmarkEnvironment, number: int) -> None:
    """Store the payments."""
    environment.number_rows(PAYMENTS_PER_STATEMENT)
    for first in range(0, number, PAYMENTS_PER_STATEMENT):
        key = f"UNHEX(LPAD(HEX({first + 1} + n), 32, '0'))"
        environment.sql(
            f"INSERT INTO payments SELECT {key}, {key}, 'razorpay', CONCAT('pay_', LPAD({first} + n, 20, '0')), NULL,"  # noqa: S608 - numbers
            f" 'upi', 'INR', 150000, '2026-09-30 06:00:00', 0 FROM numbers WHERE n < {number - first}"
        )
    environment.sql("ANALYZE TABLE payments")
