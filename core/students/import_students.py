"""Take a roster over from a school."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from core.kernel.errors import Invalid
from core.kernel.ids import Ids
from core.students.errors import UnreadableRoster
from core.students.ports import NewStudentsUnitOfWork
from core.students.roster import RosterRow
from core.students.student import Enrolment, Student, StudentId

KNOWN_COLUMNS = [column.name for column in fields(Enrolment)]
REQUIRED_COLUMNS = {"registration", "name", "category"}
MAX_ROWS_PER_BATCH = 512
MAX_REPORTED_BAD_ROWS = 1_000
"""Bad rows that are named one by one; a file with more of them is the wrong file."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class RosterReport:
    """What became of the rows of a roster."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        """Leave a row out."""
        self.rejected += 1
        if len(self.bad_rows) < MAX_REPORTED_BAD_ROWS:
            self.bad_rows.append(BadRow(line, reason))


@dataclass(frozen=True, slots=True)
class ImportStudents:
    """Keep the good rows of a roster and report the bad ones; the same roster again changes nothing."""

    new_work: NewStudentsUnitOfWork
    ids: Ids

    async def __call__(self, rows: AsyncIterable[RosterRow]) -> RosterReport:
        """Return what became of each row; batches of rows are kept as they are read.

        Raises `UnreadableRoster` when the columns are not those of `Enrolment`.
        """
        report, batch = RosterReport(), dict[str, Enrolment]()
        async for enrolment in good(rows, report):
            batch[enrolment.registration] = enrolment
            if len(batch) == MAX_ROWS_PER_BATCH:
                await self._store(batch, report)
                batch.clear()
        await self._store(batch, report)
        return report

    async def _store(self, batch: Mapping[str, Enrolment], report: RosterReport) -> None:
        async with self.new_work() as work:
            known = await work.students.known(batch.keys())
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


async def good(rows: AsyncIterable[RosterRow], report: RosterReport) -> AsyncIterator[Enrolment]:
    """Read the rows, and report those that cannot be kept."""
    columns, seen = list[str](), dict[str, int]()
    async for row in rows:
        if not columns:
            check_columns(columns := row.cells)
            continue
        report.read += 1
        try:
            enrolment = parse_enrolment(row, columns)
        except Invalid as problem:
            report.reject(row.line, str(problem))
            continue
        first = seen.setdefault(enrolment.registration, row.line)
        if first == row.line:
            yield enrolment
        else:
            report.reject(row.line, f"registration {enrolment.registration} stands in line {first} already")
    if not columns:
        raise UnreadableRoster("the roster is empty; its first line names columns")


def check_columns(names: Sequence[str]) -> None:
    """Raise `UnreadableRoster` unless these are columns we know, with the ones we cannot do without."""
    if missing := REQUIRED_COLUMNS - set(names):
        raise UnreadableRoster(f"the roster has no column {', '.join(sorted(missing))}; its first line names columns")
    if unknown := set(names) - set(KNOWN_COLUMNS):
        raise UnreadableRoster(f"unknown column {', '.join(sorted(unknown))}; known are {', '.join(KNOWN_COLUMNS)}")
    if len(set(names)) < len(names):
        raise UnreadableRoster("a column stands twice")


def parse_enrolment(row: RosterRow, columns: Sequence[str]) -> Enrolment:
    """Turn one row into an enrolment; empty cells mean the default."""
    if row.problem:
        raise Invalid(row.problem)
    if len(row.cells) > len(columns):
        raise Invalid(f"{len(row.cells)} cells, but there are {len(columns)} columns")
    cells = {name: cell.strip() for name, cell in zip(columns, row.cells, strict=False) if cell.strip()}
    if missing := REQUIRED_COLUMNS - cells.keys():
        raise Invalid(f"{', '.join(sorted(missing))} is empty", at=f"$.{min(missing)}")
    certificates = frozenset(cells.pop("certificates", "").split())
    return Enrolment(certificates=certificates, **cells)
