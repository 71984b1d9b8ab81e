"""Write what the candidates of each centre owe."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.office_days import OfficeDays
from core.kernel.report import Minor, Report
from core.payments.dues import Dues, FeeDue, reachable


class CentreDueLine(NamedTuple):
    """The fees of one centre."""

    centre: str
    """Empty: candidates who were erased, or have none."""
    currency: str
    candidates: int
    due: Minor
    """What was charged and fined, less what was waived."""
    received: Minor
    owed: Minor
    pending: Minor
    overdue: Minor


@requires(Permission.DUES_READ)
@dataclass(frozen=True, slots=True)
class WriteDuesByCentre:
    """Write the dues of a schedule by centre, as of the end of a day."""

    dues: Dues
    days: OfficeDays

    async def __call__(self, schedule: str, day: date | None = None) -> Report[CentreDueLine]:
        """Return a line for each centre that the principal reaches; today's without a day.

        Raises `Unprocessable` for a day in the future; its first page `NoFeesCharged` or `Unavailable`.
        """
        until = self.days.end(day)
        found = reachable(self.dues, current_principal.get(), schedule, "", until)
        return Report(CentreDueLine, sums_of(found, self.days.so_far(until)))


async def sums_of(
    pages: AsyncGenerator[Sequence[FeeDue], None], moment: datetime
) -> AsyncGenerator[Sequence[CentreDueLine], None]:
    """Yield the sums of all fees by centre, when the last one is read."""
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0] * 6)
    async with aclosing(pages):
        async for page in pages:
            for each in page:
                due = each.charged + each.fined - each.waived
                added = (1, due, each.received, each.owed, each.pending, each.overdue(moment))
                found = sums[each.centre, each.currency]
                found[:] = [before + more for before, more in zip(found, added, strict=True)]
    yield [line_of(*key, *sums[key]) for key in sorted(sums)]


def line_of(centre: str, currency: str, candidates: int, *amounts: int) -> CentreDueLine:
    """Return the line of a centre."""
    return CentreDueLine(centre, currency, candidates, *map(Minor, amounts))
