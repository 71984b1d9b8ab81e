"""When a fee is submitted, the candidate is charged and notified, and inventory allocates the kit of the schedule."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from core.fees.deadlines import last_minute
from core.fees.find_payment_terms import PaymentTerms
from core.fees.instalments import deadline, instalments
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
    fees = [await charged_fee(each.body, use_cases) for each in submitted]
    await use_cases.payments.open_fee_accounts(fees)
    for each, fee in zip(submitted, fees, strict=True):
        with tracing(each.message.trace):
            await use_cases.notifications.send_notice(notice(each, by_deadline(fee.instalments)))
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


async def charged_fee(submitted: FeeSubmitted, use_cases: UseCases) -> ChargedFee:
    """Return what the account of a fee begins with, by the version of the schedule that priced it."""
    terms = await use_cases.fees.find_payment_terms(submitted.schedule, submitted.schedule_version)
    parts = tuple(
        Instalment(amount=each.amount, pay_by=deadline(each.due, submitted.zone, submitted.pay_by))
        for each in instalments(submitted.total, terms.instalments)
    )
    return ChargedFee(
        submission=submitted.subject,
        student=submitted.student,
        reference=submitted.reference,
        schedule=submitted.schedule,
        total=submitted.total,
        pay_by=submitted.pay_by,
        at=submitted.at,
        fine_terms=fine_terms(submitted, terms) if any(each.pay_by for each in parts) else None,
        instalments=parts,
    )


def fine_terms(submitted: FeeSubmitted, terms: PaymentTerms) -> FineTerms:
    """Return the fines of a fee."""
    rules = [FineRule(**{each.name: getattr(rule, each.name) for each in fields(FineRule)}) for rule in terms.fines]
    return FineTerms(version=submitted.schedule_version, zone=submitted.zone, rules=tuple(rules))


def notice(submitted: Received[FeeSubmitted], parts: Sequence[Instalment]) -> Notice:
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
                for each in parts
                if len(parts) > 1
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
