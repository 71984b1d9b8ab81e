"""Write what each candidate of a schedule owes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.office_days import OfficeDays
from core.kernel.report import Minor, Report
from core.payments.dues import Dues, FeeDue, reachable


class DueLine(NamedTuple):
    """One fee."""

    registration: str
    reference: str
    centre: str
    currency: str
    charged: Minor
    fined: Minor
    waived: Minor
    received: Minor
    owed: Minor
    pending: Minor
    """What of it an undecided attempt may have debited."""
    overdue: Minor
    """What of it should have been paid by then; what is pending is not overdue."""
    pay_by: datetime | None


@requires(Permission.DUES_READ)
@dataclass(frozen=True, slots=True)
class WriteDues:
    """Write the dues of a schedule as of the end of a day: every fee that was charged by then."""

    dues: Dues
    days: OfficeDays

    async def __call__(self, schedule: str, day: date | None = None, centre: str = "") -> Report[DueLine]:
        """Return a line for each fee that the principal reaches; today's without a day.

        Raises `Unprocessable` for a day in the future; its first page `NoFeesCharged` or `Unavailable`.
        """
        until = self.days.end(day)
        found = reachable(self.dues, current_principal.get(), schedule, centre, until)
        return Report(DueLine, lines_of(found, self.days.so_far(until)))


async def lines_of(
    pages: AsyncGenerator[Sequence[FeeDue], None], moment: datetime
) -> AsyncGenerator[Sequence[DueLine], None]:
    """Yield the lines of fees."""
    async with aclosing(pages):
        async for page in pages:
            yield [line_of(each, moment) for each in page]


def line_of(due: FeeDue, moment: datetime) -> DueLine:
    """Return the line of a fee."""
    return DueLine(
        registration=due.registration,
        reference=due.reference,
        centre=due.centre,
        currency=due.currency,
        charged=Minor(due.charged),
        fined=Minor(due.fined),
        waived=Minor(due.waived),
        received=Minor(due.received),
        owed=Minor(due.owed),
        pending=due.pending,
        overdue=due.overdue(moment),
        pay_by=due.pay_by,
    )
