"""Reads the lines of settlement files by their mapping, as the file is read: nothing is kept."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

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


class BadLine(NamedTuple):
    """A line that cannot be read."""

    number: int
    reason: str


def read_lines(mapping: SettlementMapping, text: Iterable[str]) -> Iterator[FileLine | BadLine]:
    """Yield the lines that move amounts; raise `UnreadableSettlement` for a file of another form."""
    number, first = 0, 2 if mapping.layout is Layout.CSV else 1
    try:
        rows, cell = rows_of(mapping, text)
        read = reader(mapping, cell)
        for number, row in enumerate(rows, first):
            if not any(row):
                continue
            try:
                line = read(row)
            except (Invalid, IndexError, ValueError) as error:
                reason = "it has too few cells" if isinstance(error, IndexError) else str(error)
                yield BadLine(number, reason)
                continue
            if line:
                yield line
    except csv.Error as error:
        raise UnreadableSettlement(f"after line {number} the file is not CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableSettlement(f"after line {number} the file is not UTF-8 text") from error


def rows_of(mapping: SettlementMapping, text: Iterable[str]) -> tuple[Iterator[Any], Callable[[Place], Cell]]:
    """Return the rows of a file, and what finds a cell by its place."""
    if mapping.layout is Layout.FIXED:
        return (line.rstrip("\r\n") for line in text), fixed
    rows = csv.reader(text, delimiter=mapping.delimiter, strict=True)
    names = [each.removeprefix("\ufeff").strip() for each in next(rows, [])]
    missing = [each for each in mapping.columns.places() if each not in names]
    if missing:
        listed = ", ".join(repr(each) for each in dict.fromkeys(missing))
        raise UnreadableSettlement(f"the first line names no column {listed}, which the mapping needs")
    return rows, lambda place: itemgetter(names.index(str(place)))


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
        return datetime.strptime(text, mapping.time).replace(tzinfo=zone)

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
