"""Write what was charged and collected, by head."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.kernel.office_days import OfficeDays
from core.kernel.period import Period
from core.kernel.report import Minor, Report
from core.ledger.account import AccountKind
from core.ledger.reports.ports import Movement, Reports
from core.ledger.transaction import TransactionKind

COUNTER = "counter"
"""The clearing account of what clerks have taken."""


class CollectionLine(NamedTuple):
    """What happened to one head of a schedule in some days."""

    first_day: date
    last_day: date
    schedule: str
    head: str
    currency: str
    charged: Minor
    """Less concessions, whose heads are negative."""
    fined: Minor
    waived: Minor
    by_gateways: Minor
    at_counter: Minor
    refunded: Minor
    net: Minor
    """What was collected less what was refunded."""


class Figure(StrEnum):
    """A column of amounts."""

    CHARGED = "charged"
    FINED = "fined"
    WAIVED = "waived"
    BY_GATEWAYS = "by_gateways"
    AT_COUNTER = "at_counter"
    REFUNDED = "refunded"


FIGURES: Mapping[TransactionKind, tuple[Figure, int]] = {
    TransactionKind.CHARGE: (Figure.CHARGED, 1),
    TransactionKind.ADJUSTMENT: (Figure.CHARGED, 1),
    TransactionKind.FINE: (Figure.FINED, 1),
    TransactionKind.WITHDRAWAL: (Figure.FINED, 1),
    TransactionKind.WAIVER: (Figure.WAIVED, -1),
    TransactionKind.RETRACTION: (Figure.WAIVED, -1),
    TransactionKind.REFUND: (Figure.REFUNDED, 1),
    TransactionKind.REVERSAL: (Figure.REFUNDED, 1),
    TransactionKind.RESTORATION: (Figure.REFUNDED, 1),
}
"""Where a kind is counted, with the sign of what the candidate owes; a payment is counted by where it was made."""


class Head(NamedTuple):
    """What a line is about."""

    day: date
    schedule: str
    name: str
    currency: str


Sums = defaultdict[Head, defaultdict[Figure, int]]


@requires(Permission.LEDGER_READ)
@dataclass(frozen=True, slots=True)
class WriteCollection:
    """Write what was charged, waived, fined, collected and refunded in some days, by schedule and head."""

    reports: Reports
    days: OfficeDays

    async def __call__(
        self, first: date, last: date, schedule: str = "", *, daily: bool = False
    ) -> Report[CollectionLine]:
        """Return a line for each head, or for each head and day; of all schedules without one.

        Raises `Unprocessable` for days in the future or in the wrong order; its first page `Unavailable`.
        """
        period = self.days.period(first, last)
        return Report(CollectionLine, self._pages(period, schedule, None if daily else first, last))

    async def _pages(
        self, period: Period, schedule: str, whole: date | None, last: date
    ) -> AsyncGenerator[Sequence[CollectionLine], None]:
        sums = Sums(lambda: defaultdict(int))
        async with self.reports.open() as books:
            async for page in books.movements(period, schedule):
                debts = await books.debts({each.fee for each in page if each.account.kind is AccountKind.CLEARING})
                for each in page:
                    day = whole or self.days.day_of(each.at)
                    for name, figure, minor in effects_of(each, debts.get(each.fee, ())):
                        sums[Head(day, each.schedule, name, each.currency)][figure] += minor
        yield [line_of(head, last if whole else head.day, sums[head]) for head in sorted(sums)]


def effects_of(moved: Movement, debts: Iterable[Movement]) -> Iterator[tuple[str, Figure, int]]:
    """Yield what a movement adds to which figure of which head."""
    if moved.kind is TransactionKind.PAYMENT:
        figure, sign = Figure.AT_COUNTER if moved.account.name == COUNTER else Figure.BY_GATEWAYS, -1
    else:
        figure, sign = FIGURES[moved.kind]
    if moved.account.kind is not AccountKind.CLEARING:
        yield moved.account.name, figure, sign * moved.minor
        return
    for name, minor in shares_of(moved, debts).items():
        yield name, figure, sign * minor


def shares_of(paid: Movement, debts: Iterable[Movement]) -> Mapping[str, int]:
    """Split an amount over the heads that the fee had by then, in proportion to what each costs.

    Of a fee that cost nothing by then, all is for a head without a name.
    """
    costs = defaultdict[str, int](int)
    for each in debts:
        if each.at <= paid.at and each.currency == paid.currency:
            costs[each.account.name] += each.minor
    names = sorted(name for name, minor in costs.items() if minor > 0)
    if not names:
        return {"": paid.minor}
    parts = Money(paid.minor, paid.currency).split([costs[name] for name in names])
    return {name: part.minor for name, part in zip(names, parts, strict=True)}


def line_of(head: Head, last: date, found: Mapping[Figure, int]) -> CollectionLine:
    """Return the line of a head."""
    charged, fined, waived, online, counter, refunded = (Minor(found.get(each, 0)) for each in Figure)
    net = Minor(online + counter - refunded)
    return CollectionLine(
        head.day, last, head.schedule, head.name, head.currency, charged, fined, waived, online, counter, refunded, net
    )
