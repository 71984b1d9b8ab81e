"""Import a roster of a school."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from core.kernel.errors import Invalid
from core.kernel.ids import Ids
from core.students.contact_cells import RosterWarning, read_contacts
from core.students.errors import UnreadableRoster
from core.students.ports import ContactParser, NewStudentsUnitOfWork
from core.students.roster import RosterRow
from core.students.student import Enrolment, Student, StudentId

KNOWN_COLUMNS = [column.name for column in fields(Enrolment)]
REQUIRED_COLUMNS = {"registration", "name", "category"}
MAX_ROWS_PER_BATCH = 512
ROWS_PER_TURN = 100
"""Rows that are read before other tasks get their turn: a telephone number costs about 0.1 ms."""
MAX_REPORTED_BAD_ROWS = 1_000
"""Rejected rows, and warnings, that a report lists; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A rejected row and the reason."""

    line: int
    reason: str


@dataclass(slots=True)
class RosterReport:
    """The outcome of the rows of a roster."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    warned: int = 0
    """Contacts that cannot be sent to and were left empty."""
    bad_rows: list[BadRow] = field(default_factory=list)
    warnings: list[RosterWarning] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        """Count a rejected row, and list it up to `MAX_REPORTED_BAD_ROWS`."""
        self.rejected += 1
        if len(self.bad_rows) < MAX_REPORTED_BAD_ROWS:
            self.bad_rows.append(BadRow(line, reason))

    def warn(self, warning: RosterWarning) -> None:
        """Count a warning, and list it up to `MAX_REPORTED_BAD_ROWS`."""
        self.warned += 1
        if len(self.warnings) < MAX_REPORTED_BAD_ROWS:
            self.warnings.append(warning)


@dataclass(frozen=True, slots=True)
class ImportStudents:
    """Store the valid rows of a roster and report the others; a repeated import changes nothing."""

    new_work: NewStudentsUnitOfWork
    ids: Ids
    contacts: ContactParser

    async def __call__(self, rows: AsyncIterable[RosterRow]) -> RosterReport:
        """Return the report; each batch of rows is committed as it is read.

        Raises `UnreadableRoster` when the columns are not those of `Enrolment`.
        """
        report, batch = RosterReport(), dict[str, Enrolment]()
        async for enrolment in valid_enrolments(rows, report, self.contacts):
            batch[enrolment.registration] = enrolment
            if len(batch) == MAX_ROWS_PER_BATCH:
                await self._store(batch, report)
                batch.clear()
        await self._store(batch, report)
        return report

    async def _store(self, batch: Mapping[str, Enrolment], report: RosterReport) -> None:
        async with self.new_work() as work:
            known = await work.students.by_registration(batch.keys())
            for registration, enrolment in batch.items():
                student = known.get(registration)
                if student is None:
                    work.students.put(Student(id=StudentId(self.ids.new()), enrolment=enrolment))
                    report.added += 1
                elif student.enrolment == enrolment:
                    report.unchanged += 1
                else:
                    work.students.put(Student(id=student.id, enrolment=enrolment))
                    report.changed += 1
            await work.commit()


async def valid_enrolments(
    rows: AsyncIterable[RosterRow], report: RosterReport, contacts: ContactParser
) -> AsyncIterator[Enrolment]:
    """Yield the enrolments of valid rows; report the other rows."""
    columns, seen = list[str](), dict[str, int]()
    async for row in rows:
        if not columns:
            check_columns(columns := row.cells)
            continue
        report.read += 1
        if report.read % ROWS_PER_TURN == 0:
            await asyncio.sleep(0)
        try:
            enrolment, warnings = parse_enrolment(row, columns, contacts)
        except Invalid as problem:
            report.reject(row.line, str(problem))
            continue
        first = seen.setdefault(enrolment.registration, row.line)
        if first == row.line:
            for warning in warnings:
                report.warn(warning)
            yield enrolment
        else:
            report.reject(row.line, f"registration {enrolment.registration} is already in line {first}")
    if not columns:
        raise UnreadableRoster("the roster is empty; its first line names columns")


def check_columns(names: Sequence[str]) -> None:
    """Raise `UnreadableRoster` unless all columns are known, unique, and include `REQUIRED_COLUMNS`."""
    if missing := REQUIRED_COLUMNS - set(names):
        raise UnreadableRoster(f"the roster has no column {', '.join(sorted(missing))}; its first line names columns")
    if unknown := set(names) - set(KNOWN_COLUMNS):
        raise UnreadableRoster(f"unknown column {', '.join(sorted(unknown))}; known are {', '.join(KNOWN_COLUMNS)}")
    if len(set(names)) < len(names):
        raise UnreadableRoster("the roster has a column twice; its first line names each column once")


def parse_enrolment(
    row: RosterRow, columns: Sequence[str], contacts: ContactParser
) -> tuple[Enrolment, list[RosterWarning]]:
    """Return the enrolment of a row, with defaults for empty cells, and its warnings; raise `Invalid`."""
    if row.problem:
        raise Invalid(row.problem)
    if len(row.cells) > len(columns):
        raise Invalid(f"{len(row.cells)} cells, but there are {len(columns)} columns")
    cells = {name: cell.strip() for name, cell in zip(columns, row.cells, strict=False) if cell.strip()}
    if missing := REQUIRED_COLUMNS - cells.keys():
        raise Invalid(f"{', '.join(sorted(missing))} is empty", at=f"$.{min(missing)}")
    certificates = frozenset(cells.pop("certificates", "").split())
    warnings = list(read_contacts(cells, row.line, contacts))
    return Enrolment(certificates=certificates, **cells), warnings
