"""A large roster is taken over in few steps, and after a kill from where it was."""

from collections.abc import AsyncIterator

import pytest

from config.container import Application
from core.students.import_students import MAX_ROWS_PER_BATCH, RosterReport
from core.students.roster import rows
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
    report: RosterReport = await application.use_cases.import_students()(rows(file))
    return report


@on_both
async def test_a_thousand_rows_cost_a_few_statements_and_so_does_their_repetition(stored: Application) -> None:
    asked = statements(stored)
    first = await take_over(stored, roster(STUDENT_COUNT))
    of_first = len(asked)
    again = await take_over(stored, roster(STUDENT_COUNT))

    assert (first.added, again.unchanged) == (STUDENT_COUNT, STUDENT_COUNT)
    assert of_first <= 9 * STUDENT_COUNT / 1_000, "not: a transaction, who is known, and who is new, for each 512"
    assert len(asked) - of_first <= 9 * STUDENT_COUNT / 1_000


async def test_after_a_kill_the_same_roster_brings_the_rest(stored: Application) -> None:
    with pytest.raises(KeyboardInterrupt):
        await take_over(stored, roster(STUDENT_COUNT // 2, killed=True))
    report = await take_over(stored, roster(STUDENT_COUNT))

    assert report.unchanged >= STUDENT_COUNT // 2 - MAX_ROWS_PER_BATCH
    assert (report.added + report.unchanged, report.changed, report.rejected) == (STUDENT_COUNT, 0, 0)
    assert (await take_over(stored, roster(STUDENT_COUNT))).unchanged == STUDENT_COUNT
