"""Payment in instalments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, TypeAlias

from core.fees.deadlines import MAX_YEAR, as_utc
from core.fees.errors import InvalidSchedule
from core.fees.quote import Instalment
from core.kernel.constraints import Items, Whole
from core.kernel.money import FULL_BASIS_POINTS, Money

MAX_INSTALMENTS = 64
SHARE = Whole(1, FULL_BASIS_POINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentShare:
    """The share of one instalment in the total."""

    basis_points: Annotated[int, SHARE]
    due: date | None = None
    """The last day of timely payment, in the schedule's zone."""


InstalmentShares: TypeAlias = Annotated[tuple[InstalmentShare, ...], Items(most=MAX_INSTALMENTS)]


def contradictions(parts: Sequence[InstalmentShare], payment_closes: datetime | None) -> Iterator[InvalidSchedule]:
    """Yield each contradiction between these parts."""
    if len(parts) > MAX_INSTALMENTS:
        yield InvalidSchedule(f"at most {MAX_INSTALMENTS} instalments are possible", at="$.instalments")
    for index, part in enumerate(parts):
        if not SHARE.admits(part.basis_points):
            yield InvalidSchedule(
                f"it must be from 1 to {FULL_BASIS_POINTS}", at=f"$.instalments[{index}].basis_points"
            )
            return
        if part.due and payment_closes and datetime.combine(part.due, time.min) >= payment_closes:
            yield InvalidSchedule("it is due after payment closes", at=f"$.instalments[{index}].due")
    if parts and sum(part.basis_points for part in parts) != FULL_BASIS_POINTS:
        yield InvalidSchedule(f"the instalments do not sum to {FULL_BASIS_POINTS} basis points", at="$.instalments")
    for index, (before, part) in enumerate(pairwise(parts), start=1):
        if before.due and part.due and part.due <= before.due:
            yield InvalidSchedule("it is not due after the one before", at=f"$.instalments[{index}].due")


def instalments(total: Money, parts: Sequence[InstalmentShare]) -> tuple[Instalment, ...]:
    """Return instalments that sum to the total; without parts, a single one."""
    if not parts:
        return (Instalment(amount=total),)
    amounts = total.split([part.basis_points for part in parts])
    return tuple(Instalment(amount=amount, due=part.due) for amount, part in zip(amounts, parts, strict=True))


def deadline(due: date | None, zone: str, pay_by: datetime | None) -> datetime | None:
    """Return the first moment that is too late for an instalment: the end of its last day, or that of the total."""
    if due is None or due.year > MAX_YEAR:
        return pay_by
    end = as_utc(datetime.combine(due + timedelta(days=1), time.min), zone)
    return min(end, pay_by) if pay_by else end
