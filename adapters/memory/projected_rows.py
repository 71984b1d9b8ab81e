"""The rows that follow from records, and how what the memory database has differs from them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, NamedTuple

from adapters.memory.engine.database import MemoryDatabase
from core.fees.submission import FeeSubmitted, Submission
from core.inventory.views import StockDelta
from core.ledger.transaction import LedgerTransaction
from core.messaging.log_records import Comparison, Difference, Records


class Row(NamedTuple):
    """What the log says of a row."""

    table: str
    key: Any
    columns: Mapping[str, Any]


def compare(database: MemoryDatabase, records: Records, generation: int) -> Comparison:
    """Compare records with what is stored."""
    found, missing, differences = 0, 0, list[Difference]()
    for row in [row for record in records for row in rows_of(record, generation)]:
        stored, key = getattr(database, row.table).get(row.key), str(row.key)
        expected, version = row.columns, row.columns.get("version")
        if isinstance(stored, int):  # of a sku, the version alone is stored
            stored = SimpleNamespace(version=stored)
        if stored is None or (version is not None and stored.version < version):
            missing += 1
            differences.append(Difference(row.table, key, ""))
        elif version is None or stored.version == version:
            found += 1
            other = [name for name, value in expected.items() if getattr(stored, name) != value]
            differences += [Difference(row.table, key, name) for name in other]
    return Comparison(found, missing, differences)


def rows_of(record: Any, generation: int) -> Iterator[Row]:
    """Yield the rows of a record."""
    match record:
        case FeeSubmitted():
            names = ("reference", "student", "schedule", "schedule_version", "lines", "total", "pay_by")
            yield Row("submissions", record.subject, {name: getattr(record, name) for name in names})
        case Submission():
            told = {name: value for name, value in columns(record).items() if name != "registration"}
            yield Row("submissions", record.id, told)  # the roster alone names a student
        case LedgerTransaction():
            yield Row("ledger_transactions", record.key, columns(record))
        case StockDelta():
            for line_key, line in record.lines.items():
                yield Row("line_views", (generation, *line_key), columns(line))
            for reference, batch in record.batches.items():
                yield Row("batch_views", (generation, reference), columns(batch))
            for sku, version in record.skus.items():
                yield Row("sku_views", (generation, sku), {"version": version})


def columns(record: Any) -> Mapping[str, Any]:
    """Return the fields of a record."""
    return {each.name: getattr(record, each.name) for each in fields(record)}
