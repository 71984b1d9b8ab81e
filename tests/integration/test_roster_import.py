"""A large roster is taken over in few steps, and after a kill from where it was."""

from collections.abc import AsyncIterator

import pytest

from config.container import Application
from core.students.import_students import BATCH, RosterReport
from core.students.roster import rows
from tests.databases import statements
from tests.integration.test_group_commit import on_both

MANY = 5_000


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
    first = await take_over(stored, roster(MANY))
    of_first = len(asked)
    again = await take_over(stored, roster(MANY))

    assert (first.added, again.unchanged) == (MANY, MANY)
    assert of_first <= 9 * MANY / 1_000, "not: a transaction, who is known, and who is new, for each 512"
    assert len(asked) - of_first <= 9 * MANY / 1_000


async def test_after_a_kill_the_same_roster_brings_the_rest(stored: Application) -> None:
    with pytest.raises(KeyboardInterrupt):
        await take_over(stored, roster(MANY // 2, killed=True))
    report = await take_over(stored, roster(MANY))

    assert report.unchanged >= MANY // 2 - BATCH
    assert (report.added + report.unchanged, report.changed, report.rejected) == (MANY, 0, 0)
    assert (await take_over(stored, roster(MANY))).unchanged == MANY
