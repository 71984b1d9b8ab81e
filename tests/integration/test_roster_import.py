"""The import of a large roster needs few statements, and continues after a kill."""

from collections.abc import AsyncIterator

import pytest

from config.container import Application
from core.students.import_students import MAX_ROWS_PER_BATCH
from core.students.roster import read_rows
from core.students.roster_report import RosterReport
from tests.databases import statements
from tests.integration.test_group_commit import on_both

STUDENT_COUNT = 5_000


async def roster(number: int, *, killed: bool = False) -> AsyncIterator[bytes]:
    yield b"registration,name,category,email,phone\n"
    for first in range(0, number, 100):
        yield b"".join(b"T-%d,Asha %d,general,asha@example.org,\n" % (at, at) for at in range(first, first + 100))
    if killed:
        raise KeyboardInterrupt


async def take_over(application: Application, file: AsyncIterator[bytes]) -> RosterReport:
    report: RosterReport = await application.use_cases().students.import_students(read_rows(file))
    return report


@on_both
async def test_a_thousand_rows_cost_a_few_statements_and_so_does_their_repetition(stored: Application) -> None:
    asked = statements(stored)
    first = await take_over(stored, roster(STUDENT_COUNT))
    of_first = len(asked)
    again = await take_over(stored, roster(STUDENT_COUNT))

    assert (first.added, again.unchanged) == (STUDENT_COUNT, STUDENT_COUNT)
    assert of_first <= 15 * STUDENT_COUNT / 1_000, "more than the statements of one transaction per 512 rows"
    assert len(asked) - of_first <= 9 * STUDENT_COUNT / 1_000


async def test_after_a_kill_the_same_roster_brings_the_rest(stored: Application) -> None:
    with pytest.raises(KeyboardInterrupt):
        await take_over(stored, roster(STUDENT_COUNT // 2, killed=True))
    report = await take_over(stored, roster(STUDENT_COUNT))

    assert report.unchanged >= STUDENT_COUNT // 2 - MAX_ROWS_PER_BATCH
    assert (report.added + report.unchanged, report.changed, report.rejected) == (STUDENT_COUNT, 0, 0)
    assert (await take_over(stored, roster(STUDENT_COUNT))).unchanged == STUDENT_COUNT
