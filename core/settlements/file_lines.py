"""Reads the lines of settlement files by their mapping, as the file is read: nothing is kept."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import StringIO
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from core.kernel.csv_cells import unguarded
from core.kernel.errors import Invalid
from core.kernel.money import parse_amount
from core.settlements.errors import UnreadableSettlement
from core.settlements.mapping import Layout, LineKind, Place, SettlementMapping

Cells = Sequence[str]
Cell = Callable[[Any], str]
MAX_ID_LENGTH = 255


class FileLine(NamedTuple):
    """One line: amounts in minor units of its currency, negative for what the gateway took back."""

    kind: LineKind
    id: str
    """The file's own; empty: it has none."""
    payment: str
    refund: str
    order: str
    currency: str
    gross: int
    """What the payer paid or got back."""
    fee: int
    """What the gateway kept of it."""
    settlement: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read."""

    number: int
    reason: str


class LineReader:
    """Reads the lines of one file, block by block."""

    def __init__(self, mapping: SettlementMapping) -> None:
        """Begin a file; a CSV file begins with the names of its columns."""
        self._mapping, self._number = mapping, 0
        self._read: Callable[[Any], FileLine | None] | None = None

    def lines(self, block: str) -> list[FileLine | BadLine]:
        """Return the lines of a block that move amounts; raise `UnreadableSettlement` for a file of another form."""
        found = list[FileLine | BadLine]()
        try:
            rows = self._rows(block)
            read = self._read or self._begin(next(rows, []))
            for row in rows:
                self._number += 1
                if any(row) and (line := self._line(read, row)):
                    found.append(line)
        except csv.Error as error:
            raise UnreadableSettlement(f"after line {self._number} the file is not CSV: {error}") from error
        return found

    def end(self) -> None:
        """Raise `UnreadableSettlement` for a file without the names of its columns."""
        if self._read is None and self._mapping.layout is Layout.CSV:
            self._begin([])

    def _rows(self, block: str) -> Iterator[Any]:
        if self._mapping.layout is Layout.FIXED:
            self._read = self._read or reader(self._mapping, fixed)
            return (line.rstrip("\r\n") for line in StringIO(block, newline=""))
        rows = csv.reader(StringIO(block, newline=""), delimiter=self._mapping.delimiter, strict=True)
        # A spreadsheet program saves the guards of cells with them.
        return ([unguarded(cell) for cell in row] for row in rows) if "'" in block else rows

    def _begin(self, row: Sequence[str]) -> Callable[[Any], FileLine | None]:
        names = [each.strip() for each in row]
        if missing := [each for each in self._mapping.columns.places() if each not in names]:
            listed = ", ".join(repr(each) for each in dict.fromkeys(missing))
            raise UnreadableSettlement(f"the first line names no column {listed}, which the mapping needs")
        self._number = 1
        self._read = reader(self._mapping, lambda place: itemgetter(names.index(str(place))))
        return self._read

    def _line(self, read: Callable[[Any], FileLine | None], row: Any) -> FileLine | BadLine | None:
        try:
            return read(row)
        except IndexError:
            return BadLine(self._number, "it has too few cells")
        except ValueError as error:
            return BadLine(self._number, str(error))


def fixed(place: Place) -> Cell:
    """Return what cuts a cell out of a line."""
    begin, end = int(place[0]), int(place[1])
    return lambda line: line[begin:end].strip()


def reader(mapping: SettlementMapping, cell: Callable[[Place], Cell]) -> Callable[[Any], FileLine | None]:
    """Return what reads one row."""
    columns, zone, skipped = mapping.columns, ZoneInfo(mapping.zone), frozenset(mapping.skipped)
    kind, payment, refund = cell(columns.kind), cell(columns.payment), cell(columns.refund)
    order, currency, settled_at = cell(columns.order), cell(columns.currency), cell(columns.settled_at)
    settlement = cell(columns.settlement)
    own = cell(columns.id) if columns.id is not None else lambda _: ""
    received, paid, fees = ([cell(each) for each in some] for some in (columns.received, columns.paid, columns.fees))

    @lru_cache(4096)
    def moment(text: str) -> datetime:
        return parsed_time(text, mapping.times).replace(tzinfo=zone)

    @lru_cache(4096)
    def minor(text: str, code: str) -> int:
        return parse_amount(text, code).minor if text else 0

    def read(row: Any) -> FileLine | None:
        word = kind(row)
        if word in skipped:
            return None
        code = currency(row).upper()
        fee = sum([minor(each(row), code) for each in fees])
        net = sum([minor(each(row), code) for each in received]) - sum([minor(each(row), code) for each in paid])
        names = own(row), payment(row), refund(row), order(row)
        if max(map(len, names)) > MAX_ID_LENGTH:
            raise Invalid(f"an id has more than {MAX_ID_LENGTH} characters")
        if mapping.columns.id is not None and not names[0]:
            raise Invalid("its id is empty")
        known = mapping.kinds.get(word, LineKind.OTHER)
        return FileLine(known, *names, code, net + fee, fee, settlement(row)[:64], moment(settled_at(row)))

    return read


def parsed_time(text: str, forms: Sequence[str]) -> datetime:
    """Return the time of a text in one of the forms; raise `Invalid`."""
    for form in forms:
        with suppress(ValueError):
            return datetime.strptime(text, form)  # noqa: DTZ007 - the file's zone is added
    raise Invalid(f"{text[:32]!r} is no time: the mapping has {' and '.join(forms)}")
