"""Which late days of a fee are fined, and which fines a payment that arrives late takes back."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from core.kernel.money import Money
from core.payments.fee_balance import FeeBalance
from core.payments.fine import Fine, FineRule, fine_id
from core.payments.instalment import InstalmentBalance
from core.payments.order import UNDER_WAY


def due_fines(fee: FeeBalance, at: datetime) -> Iterator[Fine]:
    """Yield the fines that are due by now, and move `fine_at` on; the consumer adds each one before the next."""
    while fee.fine_at and fee.fine_at <= at and fee.owed.minor > 0:
        since = fee.fine_at
        if any(each.state in UNDER_WAY and not each.is_unseen and each.opened_at < since for each in fee.orders):
            return
        for part in fee.parts:
            if part.owed.minor > 0:
                yield from fines_of(fee, part, since, at)
        fee.fine_at = next_fine_at(fee, since)


def fines_of(fee: FeeBalance, part: InstalmentBalance, since: datetime, at: datetime) -> Iterator[Fine]:
    """Yield the fines of an instalment for the late day that begins at a moment, if one does."""
    terms = fee.fine_terms
    if terms is None or part.pay_by is None or since < part.pay_by:
        return
    day, date = terms.day_of(part.pay_by, since), terms.date_of(since)
    if terms.begin(part.pay_by, day) != since:
        return
    for rule in [each for each in open_rules(fee, part.number) if each.grace_days <= day]:
        fine = Fine(
            id=fine_id(fee.submission, part.number, rule.rule, date),
            rule=rule.rule,
            instalment=part.number,
            version=terms.version,
            head=rule.head,
            day=date,
            amount=rule.price(part.amount, part.unpaid, fined_by(fee, part.number, rule.rule)),
            since=since,
            fined_at=at,
        )
        if fine.amount.minor > 0 and all(each.id != fine.id for each in fee.fines):
            yield fine


def next_fine_at(fee: FeeBalance, after: datetime) -> datetime | None:
    """Return the beginning of the next late day that can be fined; None: there is none."""
    owed = [each for each in fee.parts if each.owed.minor > 0]
    return min((moment for each in owed if (moment := next_late_day(fee, each, after))), default=None)


def next_late_day(fee: FeeBalance, part: InstalmentBalance, after: datetime) -> datetime | None:
    """Return the beginning of the next late day of an instalment that can be fined; None: there is none."""
    if fee.fine_terms is None or part.pay_by is None or not (rules := open_rules(fee, part.number)):
        return None
    next_day = fee.fine_terms.day_of(part.pay_by, after) + 1 if after >= part.pay_by else 0
    return fee.fine_terms.begin(part.pay_by, max(next_day, min(each.grace_days for each in rules)))


def open_rules(fee: FeeBalance, instalment: int) -> Sequence[FineRule]:
    """Return the rules that have not charged all yet for an instalment."""
    known = fee.fine_terms.rules if fee.fine_terms else ()
    charged = {each.rule for each in fee.fines if each.instalment == instalment}
    return [
        each
        for each in known
        if (
            fined_by(fee, instalment, each.rule).minor < (each.cap or 0)
            if each.per_day
            else each.rule not in charged
        )
    ]  # fmt: skip


def fined_by(fee: FeeBalance, instalment: int, rule: str) -> Money:
    """Return the sum of the fines of a rule for an instalment."""
    own = [each for each in fee.fines if (each.instalment, each.rule) == (instalment, rule)]
    return sum((each.amount for each in own if each.withdrawn_at is None), Money.zero(fee.charged.currency))


def unjust_fines(fee: FeeBalance, begun_at: datetime) -> Iterator[Fine]:
    """Yield the fines of days that began after a payment, and after their instalment was settled.

    Each one is withdrawn at once.
    """
    for fine in sorted(fee.fines, key=lambda each: (each.since, each.instalment)):
        if fine.withdrawn_at or fine.since <= begun_at or fine.amount > fee.due:
            continue  # beyond what is due it is waived already
        if was_settled(fee, fine.since, fine.instalment):
            yield fine


def was_settled(fee: FeeBalance, moment: datetime, instalment: int) -> bool:
    """Tell whether the payments that were begun before a moment are what was due then, up to an instalment."""
    opened = {each.id: each.opened_at for each in fee.orders}
    nothing = Money.zero(fee.charged.currency)
    begun = [each.received for each in fee.payments if opened.get(each.order or each.id, each.paid_at) < moment]
    parts = [each.amount - each.waived for each in fee.parts if each.number <= instalment]
    valid = [each for each in fee.fines if each.withdrawn_at is None and each.instalment <= instalment]
    fines = [each.amount for each in valid if each.since < moment]
    return sum(parts + fines, nothing) <= sum(begun, nothing)
