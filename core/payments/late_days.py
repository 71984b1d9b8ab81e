"""Which late days of a fee are fined, and which fines a payment that arrives late takes back."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from core.kernel.money import Money
from core.payments.fee_balance import FeeBalance
from core.payments.fine import Fine, FineRule, fine_id
from core.payments.order import UNDER_WAY


def due_fines(fee: FeeBalance, at: datetime) -> Iterator[Fine]:
    """Yield the fines that are due by now, and move `fine_at` on; the consumer adds each one before the next."""
    terms, pay_by = fee.fine_terms, fee.pay_by
    while terms and pay_by and fee.fine_at and fee.fine_at <= at and fee.owed.minor > 0:
        since = fee.fine_at
        if any(each.state in UNDER_WAY and not each.is_unseen and each.opened_at < since for each in fee.orders):
            return
        day = terms.day_of(pay_by, since)
        for rule in [each for each in open_rules(fee) if each.grace_days <= day]:
            amount = rule.price(fee.charged, unpaid(fee), fined_by(fee, rule.rule))
            fine = Fine(
                id=fine_id(fee.submission, rule.rule, terms.date_of(since)),
                rule=rule.rule,
                version=terms.version,
                head=rule.head,
                day=terms.date_of(since),
                amount=amount,
                since=since,
                fined_at=at,
            )
            if amount.minor > 0 and all(each.id != fine.id for each in fee.fines):
                yield fine
        fee.fine_at = next_fine_at(fee, since)


def next_fine_at(fee: FeeBalance, after: datetime) -> datetime | None:
    """Return the beginning of the next late day that can be fined; None: there is none."""
    if fee.fine_terms is None or fee.pay_by is None or not (rules := open_rules(fee)):
        return None
    late = after >= fee.pay_by
    next_day = fee.fine_terms.day_of(fee.pay_by, after) + 1 if late else 0
    return fee.fine_terms.begin(fee.pay_by, max(next_day, min(each.grace_days for each in rules)))


def open_rules(fee: FeeBalance) -> Sequence[FineRule]:
    """Return the rules that have not charged all yet."""
    known = fee.fine_terms.rules if fee.fine_terms else ()
    return [
        each
        for each in known
        if (
            fined_by(fee, each.rule).minor < (each.cap or 0)
            if each.per_day
            else all(fine.rule != each.rule for fine in fee.fines)
        )
    ]


def fined_by(fee: FeeBalance, rule: str) -> Money:
    """Return the sum of the fines of a rule."""
    fines = [each.amount for each in fee.fines if each.rule == rule and each.withdrawn_at is None]
    return sum(fines, Money.zero(fee.charged.currency))


def unpaid(fee: FeeBalance) -> Money:
    """Return what of the price is unpaid, without fines."""
    return max(fee.charged - fee.waived - fee.received, Money.zero(fee.charged.currency))


def unjust_fines(fee: FeeBalance, begun_at: datetime) -> Iterator[Fine]:
    """Yield the fines of days that began after a payment, and after the fee was settled; each is withdrawn at once."""
    for fine in sorted(fee.fines, key=lambda each: each.since):
        if fine.withdrawn_at or fine.since <= begun_at or fine.amount > fee.due:
            continue  # beyond what is due it is waived already
        if was_settled(fee, fine.since):
            yield fine


def was_settled(fee: FeeBalance, moment: datetime) -> bool:
    """Tell whether the payments that were begun before a moment are what was due then."""
    opened = {each.id: each.opened_at for each in fee.orders}
    nothing = Money.zero(fee.charged.currency)
    begun = [each.received for each in fee.payments if opened.get(each.order or each.id, each.paid_at) < moment]
    fines = [each.amount for each in fee.fines if each.withdrawn_at is None and each.since < moment]
    return fee.charged + sum(fines, nothing) - fee.waived <= sum(begun, nothing)
