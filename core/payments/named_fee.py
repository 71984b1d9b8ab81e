"""Finds fees for the current principal."""

from uuid import UUID

from core.kernel.authorization import current_principal
from core.payments.errors import NotChargedYet, UnknownFee, UnknownPayment
from core.payments.ports import FeeNames, NamedFee, PaymentRecords


async def reachable_fee(names: FeeNames, name: str) -> NamedFee:
    """Return the fee of this id or reference; raise `UnknownFee`, also outside the own reach, or `NotChargedYet`."""
    found = await names.find(name)
    if found is None or not current_principal.get().reaches(found.student, found.centre):
        raise UnknownFee(f"there is no exam fee {name[:40]!r}")
    if not found.is_charged:
        raise NotChargedYet.named(name)
    return found


async def owner_of(records: PaymentRecords, payment: UUID) -> UUID:
    """Return the submission of a payment; raise `UnknownPayment`."""
    if submission := (await records.submissions_of([payment])).get(payment):
        return submission
    raise UnknownPayment(f"there is no payment {payment}")
