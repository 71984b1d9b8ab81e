"""Import a roster of a school."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import ClassVar, NamedTuple

from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.encryption import Undecipherable
from core.kernel.errors import Conflict, GaveWay, InUse, Invalid
from core.kernel.ids import Ids
from core.kernel.registration import fold
from core.students.errors import UnreadableRoster
from core.students.ports import ContactParser, NewStudentsUnitOfWork, StudentsUnitOfWork
from core.students.roster import RosterRow
from core.students.roster_entry import RosterEntry, read_columns, read_entry
from core.students.roster_report import RosterReport
from core.students.student import DEFAULTS, Enrolment, Student, StudentId, UnreadableStudent

MAX_ROWS_PER_BATCH = 512
MAX_ATTEMPTS_PER_BATCH = 10
"""A batch is repeated when another import changes the same students at the same time."""
ROWS_PER_TURN = 100
"""Rows that are read before other tasks get their turn: a telephone number costs about 0.1 ms."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The clearings of one row, whose columns may turn out to be empty in every row."""

    columns: tuple[str, ...]
    is_changed: bool
    """Whether another field of the row has changed the student."""


@dataclass(slots=True)
class Progress:
    """One import: its report, and what is known of its columns."""

    clear: bool
    report: RosterReport = field(default_factory=RosterReport)
    filled: set[str] = field(default_factory=set)
    """The columns that have a value in some row."""
    postponed: dict[str, Postponed] = field(default_factory=dict)

    def clears(self, column: str) -> bool:
        """Tell whether an empty cell of this column removes a value."""
        return self.clear or column in self.filled


class StoredRow(NamedTuple):
    """What the committed transaction did with one row."""

    student: StudentId | None
    """None for a registration that is kept out of the roster."""
    is_new: bool = False
    changed: tuple[str, ...] = ()
    """The names of the fields with another value."""
    cleared: tuple[str, ...] = ()
    postponed: tuple[str, ...] = ()
    fault: str = ""
    """Why nothing was done."""

    @property
    def is_changed(self) -> bool:
        """Return whether a stored student has another value."""
        return bool(self.changed)


@requires(Permission.STUDENTS_WRITE)
@dataclass(frozen=True, slots=True)
class ImportStudents:
    """Store the valid rows of a roster and report the others; a repeated import changes nothing."""

    ACTION: ClassVar = "import-students"

    new_work: NewStudentsUnitOfWork
    ids: Ids
    contacts: ContactParser

    async def __call__(self, rows: AsyncIterable[RosterRow], *, clear: bool = False) -> RosterReport:
        """Return the report; each batch of rows is committed as it is read.

        An empty cell removes the value of its field; of a column that is empty in every row, only with `clear`.
        Raises `UnreadableRoster` when the columns are not those of `Enrolment`.
        """
        progress, batch = Progress(clear), dict[str, RosterEntry]()
        async for key, entry in valid_entries(rows, progress.report, self.contacts):
            progress.filled.update(entry.said)
            batch[key] = entry
            if len(batch) == MAX_ROWS_PER_BATCH:
                await self._import(batch, progress)
                batch.clear()
        await self._import(batch, progress)
        await self._settle_postponed(progress)
        return progress.report

    async def _import(self, batch: Mapping[str, RosterEntry], progress: Progress) -> None:
        report, rows = progress.report, await self._store(batch, progress)
        for key, row in rows.items():
            report.cleared += len(row.cleared)
            if row.fault:
                report.reject(batch[key].line, row.fault)
            elif row.is_new:
                report.added += 1
            elif row.postponed:
                progress.postponed[key] = Postponed(row.postponed, row.is_changed)
            else:
                report.keep(is_changed=row.is_changed)

    async def _settle_postponed(self, progress: Progress) -> None:
        """Clear the postponed values whose column has a value in some row, and count the rows."""
        report, rows = progress.report, iter(progress.postponed.items())
        while some := dict(islice(rows, MAX_ROWS_PER_BATCH)):
            batch = {key: RosterEntry({}, each.columns) for key, each in some.items()}
            stored = await self._store(batch, progress)
            for key, row in stored.items():
                report.cleared += len(row.cleared)
                report.withhold(row.postponed)
                report.keep(is_changed=row.is_changed or some[key].is_changed)

    async def _store(self, batch: Mapping[str, RosterEntry], progress: Progress) -> Mapping[str, StoredRow]:
        """Commit a batch, and return what the transaction did; another import of the same students makes it repeat."""
        attempts_left = MAX_ATTEMPTS_PER_BATCH
        while True:
            try:
                async with self.new_work() as work:
                    known = await work.students.lock(batch.keys())
                    rows = await kept_out(work, batch.keys() - known.keys())
                    for key in sorted(batch.keys() - rows.keys()):
                        rows[key] = self._put(work, known.get(key), batch[key], progress)
                    if deed := self._deed(rows.values()):
                        work.audit(deed)
                    await work.commit()
                return rows
            except (Conflict, InUse, GaveWay):
                attempts_left -= 1
                if not attempts_left:
                    raise

    def _put(
        self, work: StudentsUnitOfWork, student: Student | None, entry: RosterEntry, progress: Progress
    ) -> StoredRow:
        if student is None:
            student = Student(id=StudentId(self.ids.new()), enrolment=Enrolment(**entry.said))
            work.students.add(student)
            return StoredRow(student.id, is_new=True)
        if isinstance(student, UnreadableStudent) and (fault := remaining_fault(student, entry)):
            return StoredRow(student.id, fault=fault)
        removable = removable_values(student.enrolment, entry)
        cleared = tuple(filter(progress.clears, removable))
        if changes := entry.changes(student.enrolment, cleared):
            work.students.replace(Student(id=student.id, enrolment=replace(student.enrolment, **changes)))
        postponed = tuple(column for column in removable if column not in cleared)
        return StoredRow(student.id, changed=tuple(changes), cleared=cleared, postponed=postponed)

    def _deed(self, rows: Collection[StoredRow]) -> Deed | None:
        """Return the record of one transaction: its changed students, without the values, which are personal."""
        changed = {str(row.student): row.changed for row in rows if row.changed}
        added = sum(row.is_new for row in rows)
        if not added and not changed:
            return None
        return Deed(action=self.ACTION, target="roster", after={"added": added, "changed": changed})


async def kept_out(work: StudentsUnitOfWork, keys: Collection[str]) -> dict[str, StoredRow]:
    """Return the rows of unknown registrations that may not be added, each with its fault."""
    try:
        erased = await work.erasures.among(keys)
    except Undecipherable as fault:  # each of them may be one that was erased
        return {key: StoredRow(None, fault=str(fault)) for key in keys}
    return {key: StoredRow(None, fault="this student was erased, and stays so") for key in erased}


def remaining_fault(student: UnreadableStudent, entry: RosterEntry) -> str:
    """Return what is wrong with contacts that a row does not replace."""
    unknown = student.faults.keys() - entry.said.keys()
    faults = "; ".join(student.faults[name] for name in sorted(unknown))
    return faults and f"{faults}; or a roster with the {' and '.join(sorted(unknown))} replaces what cannot be read"


def removable_values(enrolment: Enrolment, entry: RosterEntry) -> list[str]:
    """Return the fields with a value whose cell is empty."""
    return [column for column in entry.empty if getattr(enrolment, column) != DEFAULTS[column]]


async def valid_entries(
    rows: AsyncIterable[RosterRow], report: RosterReport, contacts: ContactParser
) -> AsyncIterator[tuple[str, RosterEntry]]:
    """Yield the valid rows, each by the key of its registration; report the other rows."""
    columns, seen = list[str](), dict[str, int]()
    async for row in rows:
        if not row.problem and not any(map(str.strip, row.cells)):
            continue  # a spreadsheet writes delimiters for a formatted row without content
        if not columns:
            columns = read_columns(row)
            continue
        report.read += 1
        if report.read % ROWS_PER_TURN == 0:
            await asyncio.sleep(0)
        try:
            entry = read_entry(row, columns, contacts)
        except Invalid as problem:
            report.reject(row.line, str(problem))
            continue
        key = fold(entry.registration)
        first = seen.setdefault(key, row.line)
        if first == row.line:
            for warning in entry.warnings:
                report.warn(warning)
            yield key, entry
        else:
            report.reject(row.line, f"registration {entry.registration} is already in line {first}")
    if not columns:
        raise UnreadableRoster("the roster is empty; its first line names columns")
