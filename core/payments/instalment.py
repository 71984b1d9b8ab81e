"""Instalments of a fee, and what was fined, waived and paid of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.kernel.money import Money
from core.payments.fine import Fine
from core.payments.waiver import Waiver, WaiverState


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
    ordered = sorted(instalments, key=lambda each: (each.pay_by is None, each.pay_by and each.pay_by.timestamp()))
    joined: list[Instalment] = []
    for each in ordered:
        if joined and joined[-1].pay_by == each.pay_by:
            each = Instalment(amount=joined.pop().amount + each.amount, pay_by=each.pay_by)  # noqa: PLW2901
        joined.append(each)
    return tuple(joined)


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
    waived = waived_of_each(instalments, valid, waivers)
    left, found = received.minor, []
    for index, each in enumerate(instalments):
        fined = sum(fine.amount.minor for fine in valid if fine.instalment == index + 1)
        paid = min(left, each.amount.minor + fined - waived[index])
        left -= paid
        fined_, waived_, paid_ = (Money(minor, received.currency) for minor in (fined, waived[index], paid))
        found.append(
            InstalmentBalance(
                number=index + 1, amount=each.amount, pay_by=each.pay_by, fined=fined_, waived=waived_, paid=paid_
            )
        )
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
