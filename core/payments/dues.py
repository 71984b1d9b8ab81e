"""What candidates owe, as their postings tell it."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.kernel.authorization import Principal
from core.kernel.report import Minor
from core.payments.errors import NoFeesCharged
from core.payments.instalment import Instalment


class FeeDue(NamedTuple):
    """What was posted about one fee before a moment."""

    student: UUID
    registration: str
    """Empty after an erasure, as is the centre."""
    reference: str
    centre: str
    currency: str
    is_charged: bool
    """Whether anything was posted."""
    charged: int
    fined: int
    waived: int
    received: int
    is_undecided: bool
    """Whether an attempt that began before the moment may have debited the payer."""
    pay_by: datetime | None
    instalments: Sequence[Instalment] = ()
    """As they are now; empty: one, of the whole charge."""
    waived_of_charge: int = 0
    """What of the waivers lowered no fine, where there are instalments."""

    @property
    def owed(self) -> int:
        """Return the balance of its postings; negative: a surplus."""
        return self.charged + self.fined - self.waived - self.received

    @property
    def pending(self) -> Minor:
        """Return what may be on its way, and is no debt."""
        return Minor(self.owed if self.is_undecided and self.owed > 0 else 0)

    def overdue(self, moment: datetime) -> Minor:
        """Return what should have been paid before a moment and is not pending."""
        return Minor(0 if self.is_undecided else max(0, self.owed - self._not_due(moment)))

    def _not_due(self, moment: datetime) -> int:
        """Return what is to be paid later; a waiver lowers the last instalments first."""
        if self.pay_by is not None and self.pay_by <= moment:
            return 0
        if not self.instalments:
            return max(0, self.owed)
        later = [each.amount.minor for each in self.instalments if each.pay_by is None or each.pay_by > moment]
        return max(0, sum(later) - self.waived_of_charge)


class Dues(Protocol):
    """The fees of a schedule with what was posted about them."""

    @abstractmethod
    def pages(self, schedule: str, centre: str, before: datetime) -> AsyncGenerator[Sequence[FeeDue], None]:
        """Yield pages that are not empty, all as of now; of all centres without one. Raises `Unavailable`."""


async def reachable(
    dues: Dues, reader: Principal, schedule: str, centre: str, before: datetime
) -> AsyncGenerator[Sequence[FeeDue], None]:
    """Yield pages of the fees that were charged before a moment and that a principal reaches.

    Raises `NoFeesCharged` if no fee of the schedule, and of the centre, is in reach.
    """
    any_in_reach = False
    async with aclosing(dues.pages(schedule, centre or reader.centre, before)) as pages:
        async for page in pages:
            if some := [each for each in page if reader.reaches(each.student, each.centre)]:
                any_in_reach = True
                yield [each for each in some if each.is_charged]
    if not any_in_reach:
        of_centre = f" at a centre {centre[:40]!r}" if centre else ""
        raise NoFeesCharged(f"no fee that you reach was charged by a schedule {schedule[:64]!r}{of_centre}")
