"""When a fee is submitted, the candidate is charged and notified, and inventory allocates the kit of the schedule."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from core.fees.deadlines import last_minute
from core.fees.instalments import deadline
from core.fees.submission import FeeSubmitted
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from core.kernel.trace import tracing
from core.ledger.charge import ChargedHead, charge
from core.ledger.transaction import LedgerTransaction
from core.messaging.message import Received
from core.notifications.delivery import Notice, RecipientId
from core.payments.fine import FineRule, FineTerms
from core.payments.instalment import Instalment, by_deadline
from core.payments.open_fee_accounts import ChargedFee
from core.use_cases import UseCases


async def when_fee_submitted(submitted: Sequence[Received[FeeSubmitted]], use_cases: UseCases) -> None:
    """Charge all and open their accounts, notify each candidate, then request all kits; raise a refusal of a kit."""
    charges = [made for each in submitted if (made := charge_of(each.body))]
    if charges:
        await use_cases.ledger.post_transactions(charges)
    fees = [charged_fee(each.body, await fine_terms(each.body, use_cases)) for each in submitted]
    await use_cases.payments.open_fee_accounts(fees)
    for each in submitted:
        with tracing(each.message.trace):
            await use_cases.notifications.send_notice(notice(each))
        await asyncio.sleep(0)  # other tasks of the process run between two messages of a long batch
    kits = [kit_request(each, each.body.kit) for each in submitted if each.body.kit]
    if kits:
        for outcome in await use_cases.inventory.allocate_lines(kits):
            if isinstance(outcome, CoreError):
                raise outcome


def charge_of(submitted: FeeSubmitted) -> LedgerTransaction | None:
    """Return the charge of a fee; None where nothing is owed."""
    heads = [ChargedHead(line.head, line.amount) for line in submitted.lines]
    return charge(submitted.subject, submitted.student, heads, submitted.at)


async def fine_terms(submitted: FeeSubmitted, use_cases: UseCases) -> FineTerms | None:
    """Return the fines of the version that priced the fee; None: it has no deadline of payment."""
    if submitted.pay_by is None and not any(each.due for each in submitted.instalments):
        return None
    rules = await use_cases.fees.find_fines(submitted.schedule, submitted.schedule_version)
    known = [FineRule(**{each.name: getattr(rule, each.name) for each in fields(FineRule)}) for rule in rules]
    version, zone = submitted.schedule_version, submitted.zone
    return FineTerms(version=version, zone=zone, rules=tuple(known))


def charged_fee(submitted: FeeSubmitted, terms: FineTerms | None) -> ChargedFee:
    """Return what the account of a fee begins with."""
    return ChargedFee(
        submission=submitted.subject,
        student=submitted.student,
        reference=submitted.reference,
        schedule=submitted.schedule,
        total=submitted.total,
        pay_by=submitted.pay_by,
        at=submitted.at,
        fine_terms=terms,
        instalments=instalments_of(submitted),
    )


def instalments_of(submitted: FeeSubmitted) -> tuple[Instalment, ...]:
    """Return its instalments with the moments at which they are late; none if the whole is due at once."""
    return by_deadline(
        Instalment(amount=each.amount, pay_by=deadline(each.due, submitted.zone, submitted.pay_by))
        for each in submitted.instalments
    )


def notice(submitted: Received[FeeSubmitted]) -> Notice:
    """Return the notice to the candidate."""
    event = submitted.body
    return Notice(
        notice=submitted.message.id,
        about=event.subject,
        recipient=RecipientId(event.student),
        template="fee_submitted",
        expires_at=event.pay_by,
        facts={
            "reference": event.reference,
            "schedule_title": event.schedule_title,
            "total": amount_fact(event.total),
            "pay_by": event.pay_by and pay_by_fact(event.pay_by, event.zone),
            "instalments": [
                {"amount": amount_fact(each.amount), "pay_by": each.pay_by and pay_by_fact(each.pay_by, event.zone)}
                for each in instalments_of(event)
            ],
            "lines": [{"why": line.why, "amount": amount_fact(line.amount)} for line in event.lines],
        },
    )


def amount_fact(amount: Money) -> dict[str, object]:
    """Return an amount, which the template writes in the language of its reader."""
    return {"minor": amount.minor, "currency": amount.currency}


def pay_by_fact(closes: datetime, zone: str) -> dict[str, object]:
    """Return the last minute in which a payment is in time, with the zone of its clock."""
    return {"at": last_minute(closes, zone).isoformat(), "zone": zone}


def kit_request(submitted: Received[FeeSubmitted], kit: str) -> AllocationRequest:
    """Return the request for a kit: now or as a backorder, and only once, even if the line has ended since."""
    demand = AllocationDemand(order=submitted.body.reference, sku=kit, quantity=1, wait=True)
    message = submitted.message
    return AllocationRequest(demand, RequestContext(arrived=message.at, trace=message.trace), once=True)
