"""What one row of a roster says about a student."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache, partial
from typing import Any, NamedTuple, NoReturn

from core.kernel.csv_cells import unguarded
from core.kernel.errors import Invalid
from core.kernel.registration import read_registration
from core.kernel.text import line_fault, normal_form
from core.students.contact_cells import CONTACT_COLUMNS, RosterWarning, read_contacts
from core.students.errors import UnreadableRoster
from core.students.ports import ContactParser
from core.students.roster import RosterRow
from core.students.spreadsheet_damage import refuse_damaged
from core.students.student import DEFAULTS, Enrolment

KNOWN_COLUMNS = [column.name for column in fields(Enrolment)]
REQUIRED_COLUMNS = [name for name in KNOWN_COLUMNS if name not in DEFAULTS]
MAX_NAME_LENGTH = 120

FIELD_PATTERNS = {
    "category": re.compile(r"[a-z0-9-]{1,32}"),
    "country": re.compile(r"[A-Z]{2}"),
    "centre": re.compile(r"[A-Za-z0-9-]{0,16}"),
    "language": re.compile(r"[a-z]{2}"),
}
CERTIFICATE_PATTERN = re.compile(r"[a-z0-9-]{1,32}")


class RosterEntry(NamedTuple):
    """The fields that a row has; a field without a column keeps its value."""

    said: Mapping[str, Any]
    """The values of the cells with content, valid and in normal form."""
    empty: tuple[str, ...] = ()
    """The columns whose cell is empty."""
    warnings: Sequence[RosterWarning] = ()
    """The contacts that cannot be sent to; their fields keep their values."""
    line: int = 0
    """Where the row begins in the file."""

    @property
    def registration(self) -> str:
        """Return the registration as the row spells it."""
        return str(self.said["registration"])

    def changes(self, before: Enrolment, cleared: Collection[str]) -> dict[str, Any]:
        """Return the fields whose value this row changes; the first spelling of the registration stays."""
        said = self.said.items()
        changes = {name: value for name, value in said if getattr(before, name) != value and name != "registration"}
        return {**changes, **{name: DEFAULTS[name] for name in cleared}} if cleared else changes


def read_columns(first: RosterRow) -> list[str]:
    """Return the names of the columns, '' for one without a name; raise `UnreadableRoster`."""
    names = [normal_form(cell).lower() for cell in first.cells]
    seen = f"the first line was read as {', '.join(repr(cell) for cell in first.cells) or 'nothing'}"
    if first.problem:
        raise UnreadableRoster(f"line {first.line}, which names the columns, is {first.problem}")
    if len(names) == 1:
        seen += ", one column; columns are separated by a comma, a semicolon or a TAB"
    if missing := [name for name in REQUIRED_COLUMNS if name not in names]:
        raise UnreadableRoster(f"the roster has no column {', '.join(missing)}; {seen}")
    if unknown := [name for name in names if name and name not in KNOWN_COLUMNS]:
        raise UnreadableRoster(f"unknown column {', '.join(unknown)}; known are {', '.join(KNOWN_COLUMNS)}; {seen}")
    if twice := {name for name in names if name and names.count(name) > 1}:
        raise UnreadableRoster(f"the roster has a column twice: {', '.join(sorted(twice))}; {seen}")
    return names


def read_entry(row: RosterRow, columns: Sequence[str], contacts: ContactParser) -> RosterEntry:
    """Return what a row says; raise `Invalid`."""
    if row.problem:
        raise Invalid(row.problem)
    if len(row.cells) > len(columns) and any(map(str.strip, row.cells[len(columns) :])):
        refuse_stray_cell(row, columns)
    said: dict[str, Any] = {}  # `dict[str, Any]()` takes fifteen times as long, which counts for each row
    written: dict[str, str] = {}
    empty: list[str] = []
    for name, padded in zip(columns, row.cells, strict=False):
        cell = unguarded(padded.strip())
        if not cell:
            empty.append(name)
        elif name in CONTACT_COLUMNS:
            written[name] = cell
        elif name:
            said[name] = READERS[name](cell)
        else:
            refuse_stray_cell(row, columns)
    if missing := [name for name in REQUIRED_COLUMNS if name not in said]:
        raise Invalid(f"{', '.join(missing)} is empty", at=f"$.{missing[0]}")
    taken, warnings = read_contacts(written, said.get("country", ""), row.line, contacts)
    return RosterEntry({**said, **taken}, tuple(filter(None, empty)), warnings, row.line)


def refuse_stray_cell(row: RosterRow, columns: Sequence[str]) -> NoReturn:
    """Raise `Invalid` for the first cell with content under no name."""
    names = [*columns, *[""] * len(row.cells)]
    place = next(place for place, cell in enumerate(row.cells) if cell.strip() and not names[place])
    cell, named = f"cell {place + 1} ({row.cells[place][:40]!r})", ", ".join(filter(None, columns))
    raise Invalid(f"{len(row.cells)} cells, but {cell} is under no column name; the columns are {named}")


def read_pattern(name: str, text: str) -> str:
    """Return the text of a cell; raise `Invalid` unless it has the form of its column."""
    if not FIELD_PATTERNS[name].fullmatch(text):
        refuse_damaged(name, text)
        raise Invalid(f"{name} {text[:40]!r} is not of the form {FIELD_PATTERNS[name].pattern}", at=f"$.{name}")
    return text


def read_number(text: str) -> str:
    """Return a registration in its normal form; raise `Invalid`."""
    refuse_damaged("registration", text, is_identifier=True)
    return read_registration(text)


def read_name(text: str) -> str:
    """Return a name in NFC; raise `Invalid` for one that is not printable or has no letter."""
    refuse_damaged("name", text)
    name = normal_form(text)
    fault = line_fault(name, MAX_NAME_LENGTH) or (None if any(map(str.isalpha, name)) else "has no letter")
    if fault:
        raise Invalid(f"name {name[:40]!r} {fault}", at="$.name")
    return name


def read_certificates(text: str) -> frozenset[str]:
    """Return the codes in a cell, which are separated by spaces; raise `Invalid`."""
    refuse_damaged("certificates", text)
    codes = frozenset(text.split())
    for code in sorted(codes):
        if not CERTIFICATE_PATTERN.fullmatch(code):
            raise Invalid(f"certificate {code[:40]!r} is not a code", at="$.certificates")
    return codes


READERS: Mapping[str, Callable[[str], Any]] = {
    **{name: lru_cache(4096)(partial(read_pattern, name)) for name in ("category", "country", "centre", "language")},
    "registration": read_number,
    "name": read_name,
    "certificates": lru_cache(4096)(read_certificates),
}
"""How the cells of a column are read; few values of some columns are shared by all students, and are kept."""
