"""The initial data of a new database: the bundled schedules, roster and stock."""

import csv
import tomllib
from contextlib import suppress
from pathlib import Path

import config
from core.inventory.create_batch import Purchase
from core.inventory.errors import BatchAlreadyCreated
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.students.roster import read_rows
from core.use_cases import UseCases
from entrypoints.cli.files import read_chunks

CONFIG_DIRECTORY = Path(config.__file__).parent
DATA_DIRECTORY = CONFIG_DIRECTORY / "data"


async def load_sample_data(use_cases: UseCases, clock: Clock) -> None:
    """Publish the missing schedules; if any is missing, first import the roster and create the batches."""
    present = {schedule.code for schedule in await use_cases.fees.list_fee_schedules()}
    missing = {code: text for code, text in bundled_schedules().items() if code not in present}
    if not missing:
        return
    await use_cases.students.import_students(read_rows(read_chunks(DATA_DIRECTORY / "roster.csv")))
    for purchase in bundled_stock():
        with suppress(BatchAlreadyCreated):
            await use_cases.inventory.create_batch(purchase, RequestContext(arrived=clock.now()))
    for text in missing.values():
        await use_cases.fees.publish_fee_schedule(tomllib.loads(text))


def bundled_schedules() -> dict[str, str]:
    """Return the shipped schedules by code."""
    return {
        path.stem: path.read_text(encoding="utf-8") for path in sorted((DATA_DIRECTORY / "schedules").glob("*.toml"))
    }


def bundled_stock() -> list[Purchase]:
    """Return the shipped batches."""
    found = csv.DictReader((DATA_DIRECTORY / "stock.csv").read_text(encoding="utf-8").splitlines())
    return [Purchase(reference=row["reference"], sku=row["sku"], quantity=int(row["quantity"])) for row in found]
