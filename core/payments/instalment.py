"""Instalments of a fee, and what was fined, waived and paid of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from itertools import groupby
from operator import add, attrgetter

from core.kernel.money import Money
from core.payments.fine import Fine
from core.payments.waiver import Waiver, WaiverState

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """A part of the charge with a deadline of its own."""

    amount: Money
    pay_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalmentBalance:
    """An instalment as it stands."""

    number: int
    """From 1, in the order of the deadlines."""
    amount: Money
    pay_by: datetime | None
    fined: Money
    waived: Money
    paid: Money
    """Of everything that was received; it pays earlier instalments first."""

    @property
    def owed(self) -> Money:
        """Return what is left to pay, with fines; at least zero."""
        return self.amount + self.fined - self.waived - self.paid

    @property
    def unpaid(self) -> Money:
        """Return what of its price is unpaid, without fines."""
        return max(self.amount - self.waived - self.paid, Money.zero(self.amount.currency))


def by_deadline(instalments: Iterable[Instalment]) -> tuple[Instalment, ...]:
    """Return instalments in the order of their deadlines; those of one deadline are one, none at all is the last."""
    ordered = sorted(instalments, key=lambda each: each.pay_by or NEVER)
    return tuple(
        Instalment(amount=reduce(add, [each.amount for each in together]), pay_by=pay_by)
        for pay_by, together in groupby(ordered, key=attrgetter("pay_by"))
    )


def adjusted(instalments: Sequence[Instalment], added: Money, pay_by: datetime | None) -> tuple[Instalment, ...]:
    """Return instalments that sum to a changed charge, numbered as before.

    A demand is an instalment of its own if it is to be paid later than all, else a part of the last one; what is
    charged less lowers the last ones first, as a waiver does.
    """
    if not instalments:
        return ()
    changed, last = list(instalments), instalments[-1]
    if added.minor > 0 and last.pay_by and pay_by and pay_by > last.pay_by:
        return (*changed, Instalment(amount=added, pay_by=pay_by))
    for index in reversed(range(len(changed))):
        lowered = max(changed[index].amount + added, Money.zero(added.currency))
        added -= lowered - changed[index].amount
        changed[index] = Instalment(amount=lowered, pay_by=changed[index].pay_by)
    return tuple(changed)


def balances(
    instalments: Sequence[Instalment], fines: Sequence[Fine], waivers: Sequence[Waiver], received: Money
) -> tuple[InstalmentBalance, ...]:
    """Return each instalment as it stands; what they owe sums to what the fee owes, or to zero for a surplus."""
    valid = [each for each in fines if each.withdrawn_at is None]
    all_waived = waived_of_each(instalments, valid, waivers)
    left, found = received.minor, []
    for number, (each, waived) in enumerate(zip(instalments, all_waived, strict=True), start=1):
        fined = sum(fine.amount.minor for fine in valid if fine.instalment == number)
        paid = min(left, each.amount.minor + fined - waived)
        left -= paid
        minors = {"fined": fined, "waived": waived, "paid": paid}
        moved = {name: Money(minor, received.currency) for name, minor in minors.items()}
        found.append(InstalmentBalance(number=number, amount=each.amount, pay_by=each.pay_by, **moved))
    return tuple(found)


def waived_of_each(
    instalments: Sequence[Instalment], fines: Sequence[Fine], waivers: Sequence[Waiver]
) -> Sequence[int]:
    """Return the minor units that are waived of each instalment.

    A waiver lowers the fines of its head, the oldest first, and then the last instalments, so that one that is late
    stays late unless everything after it is waived.
    """
    debts = [(fine.instalment - 1, fine.head, fine.amount.minor) for fine in fines]
    debts += [(index, "", each.amount.minor) for index, each in enumerate(instalments)]
    left, waived = [minor for _, _, minor in debts], [0] * len(instalments)
    from_the_end = sorted(range(len(debts)), key=lambda debt: (-debts[debt][0], debts[debt][1]))
    for waiver in [each for each in waivers if each.state is WaiverState.APPROVED]:
        rest = waiver.amount.minor
        for debt in [debt for debt in range(len(fines)) if debts[debt][1] == waiver.head] + from_the_end:
            taken = min(rest, left[debt])
            left[debt] -= taken
            rest -= taken
            waived[debts[debt][0]] += taken
    return waived
