"""Write the day book."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from core.kernel.authorization import Permission, requires
from core.kernel.office_days import OfficeDays
from core.kernel.period import Period
from core.kernel.report import Minor, Report
from core.ledger.account import AccountKind
from core.ledger.reports.ports import BookedPosting, Reports

OPENING, POSTING, CLOSING = "opening", "posting", "closing"
Totals = Mapping[tuple[str, str], int]
"""Debits less credits by account and currency."""


class DayBookLine(NamedTuple):
    """A posting, or the opening or closing balance of an account on the side on which it is positive."""

    line: str
    at: datetime | None
    transaction: str
    fee: str
    receipt: str
    debit: str
    credit: str
    currency: str
    amount: Minor


@requires(Permission.LEDGER_READ)
@dataclass(frozen=True, slots=True)
class WriteDayBook:
    """Write every posting of a day, between the balances of accounts at its begin and at its end."""

    reports: Reports
    days: OfficeDays

    async def __call__(self, day: date) -> Report[DayBookLine]:
        """Return the day book of a day of the office; accounts of candidates have no balances in it.

        Raises `Unprocessable` for a day in the future; its first page `Unavailable`.
        """
        return Report(DayBookLine, self._pages(self.days.period(day, day, names=("day", "day"))))

    async def _pages(self, period: Period) -> AsyncGenerator[Sequence[DayBookLine], None]:
        async with self.reports.open() as books:
            totals = defaultdict[tuple[str, str], int](int)
            for total in await books.balances(period.since):
                totals[total.account, total.balance.currency] = total.balance.minor
            yield balance_lines(OPENING, totals)
            async for page in books.postings(period):
                add_up(page, totals)
                yield [posting_line(each) for each in page]
            yield balance_lines(CLOSING, totals)


def add_up(page: Sequence[BookedPosting], totals: defaultdict[tuple[str, str], int]) -> None:
    """Add postings to the totals of their accounts."""
    for each in page:
        for account, minor in ((each.debit, each.minor), (each.credit, -each.minor)):
            if not account.startswith(AccountKind.CANDIDATE):
                totals[account, each.currency] += minor


def posting_line(posted: BookedPosting) -> DayBookLine:
    """Return the line of a posting."""
    at, kind, fee, receipt, debit, credit, currency, minor = posted
    return DayBookLine(POSTING, at, kind, fee, receipt, debit, credit, currency, Minor(minor))


def balance_lines(line: str, totals: Totals) -> Sequence[DayBookLine]:
    """Return the lines of balances, ordered by account."""
    return [
        DayBookLine(
            line, None, "", "", "", account if minor >= 0 else "", account if minor < 0 else "", currency,
            Minor(abs(minor)),
        )
        for (account, currency), minor in sorted(totals.items())
    ]  # fmt: skip
