"""The contract of waivers, for every kind of persistence."""

import asyncio
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from core.kernel.decisions import Choice, SamePerson
from core.kernel.errors import Invalid
from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from core.payments.errors import (
    AlreadyDecided,
    UnknownFee,
    UnknownHead,
    UnknownWaiver,
    WaivedTooMuch,
    WrongCurrency,
)
from core.payments.open_fee_accounts import ChargedFee
from core.payments.payment import Payment, payment_id
from core.payments.request_waiver import WaiverView, WantedWaiver
from core.payments.waiver import WaiverState
from tests.examples import NOON, a_request, a_student, enrol, ids, unpublished

BOTH = frozenset({Permission.WAIVERS_REQUEST, Permission.WAIVERS_DECIDE, Permission.PAYMENTS_READ})
MAKER, CHECKER = (Principal(subject=f"account:{name}", permissions=BOTH) for name in ("maker", "checker"))


def inr(minor: int) -> Money:
    return Money(minor, "INR")


async def charged(stored: Application, total: int = 500, centre: str = "C-1") -> UUID:
    """Charge a fee of a student at a centre for one head."""
    student, submission = a_student(1, centre=centre), ids.new()
    await enrol(stored, student)
    made = charge(submission, student.id, [ChargedHead("examination", inr(total))], NOON)
    assert made is not None
    await stored.use_cases().ledger.post_transactions([made])
    fee = ChargedFee(
        submission=submission, student=student.id, reference=f"BF-{submission.hex[-12:].upper()}", schedule="s-1",
        total=inr(total), pay_by=None, at=NOON,
    )  # fmt: skip
    await stored.use_cases().payments.open_fee_accounts([fee])
    return submission


async def pay(stored: Application, submission: UUID, minor: int) -> None:
    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([submission]))[submission]
        name = str(ids.new())
        payment = Payment(
            id=payment_id("sandbox", name), gateway="sandbox", gateway_payment=name, amount=inr(minor), paid_at=NOON
        )
        account.capture(payment, NOON)
        work.accounts.save(account)
        work.record(*account.events)
        await work.commit()


async def ask(stored: Application, fee: UUID, maker: Principal = MAKER, **wanted: object) -> WaiverView:
    asked = WantedWaiver(**({"head": "examination", "reason": "flood", "amount": inr(200)} | wanted))  # type: ignore[arg-type]
    with acting_as(maker):
        return await stored.use_cases().payments.request_waiver(str(fee), asked, a_request(str(ids.new())))


async def approve(stored: Application, waiver: UUID, checker: Principal = CHECKER) -> WaiverView:
    with acting_as(checker):
        return await stored.use_cases().payments.decide_waiver(waiver, Choice.APPROVE, "seen the letter")


async def told(stored: Application) -> list[str]:
    return [each.message.type for each in await unpublished(stored) if each.message.context == "payments"]


async def test_an_approved_waiver_lowers_what_is_due_and_a_surplus_goes_back(stored: Application) -> None:
    fee = await charged(stored)
    await pay(stored, fee, 500)

    asked = await ask(stored, fee, amount=None, percent=33)
    assert (await stored.use_cases().payments.show_payments(str(fee))).due == inr(500)
    approved = await approve(stored, asked.waiver)

    shown = await stored.use_cases().payments.show_payments(str(fee))
    [payment] = shown.payments
    assert (asked.state, asked.amount, asked.percent) == (WaiverState.REQUESTED, inr(165), 33)
    assert (approved.state, approved.due_before, approved.due_after) == (WaiverState.APPROVED, inr(500), inr(335))
    assert approved.decision and (approved.decision.who, approved.decision.why) == (CHECKER.subject, "seen the letter")
    assert shown.due == inr(335)
    assert [(each.amount, each.cause) for each in payment.refunds] == [(inr(165), "surplus")]
    assert await told(stored) == ["PaymentCaptured", "FeeCleared", "FeeWaived", "RefundReserved"]


async def test_a_retraction_makes_it_owed_again(stored: Application) -> None:
    fee = await charged(stored)
    asked = await ask(stored, fee, amount=inr(500))
    await approve(stored, asked.waiver)

    with acting_as(CHECKER):
        retracted = await stored.use_cases().payments.retract_waiver(asked.waiver, "wrong candidate")
        with pytest.raises(AlreadyDecided):
            await stored.use_cases().payments.retract_waiver(asked.waiver, "again")

    assert retracted.state is WaiverState.RETRACTED
    assert retracted.retraction and retracted.retraction.why == "wrong candidate"
    assert (await stored.use_cases().payments.show_payments(str(fee))).due == inr(500)
    assert await told(stored) == ["FeeWaived", "FeeCleared", "WaiverRetracted", "FeeClearanceRevoked"]


async def test_one_person_never_asks_and_decides(stored: Application) -> None:
    asked = await ask(stored, await charged(stored))
    as_other = Principal(subject=f"user:root as {MAKER.subject}", permissions=BOTH)

    for maker in (MAKER, as_other):
        with pytest.raises(SamePerson):
            await approve(stored, asked.waiver, maker)

    assert (await approve(stored, asked.waiver)).state is WaiverState.APPROVED


async def test_two_deciders_at_once_decide_once(stored: Application) -> None:
    fee = await charged(stored)
    asked = await ask(stored, fee)

    outcomes = await asyncio.gather(*[approve(stored, asked.waiver) for _ in range(4)], return_exceptions=True)

    assert [type(each) for each in outcomes].count(WaiverView) == 1
    assert all(isinstance(each, WaiverView | AlreadyDecided) for each in outcomes)
    assert (await stored.use_cases().payments.show_payments(str(fee))).due == inr(300)


async def test_no_more_is_waived_than_is_due(stored: Application) -> None:
    fee = await charged(stored)
    first, second = await ask(stored, fee, amount=inr(300)), await ask(stored, fee, amount=inr(300))
    await approve(stored, first.waiver)

    with pytest.raises(WaivedTooMuch):
        await approve(stored, second.waiver)
    with pytest.raises(WaivedTooMuch):
        await ask(stored, fee, amount=inr(201))

    with acting_as(CHECKER):
        waiting = await stored.use_cases().payments.list_waivers(None, 10)
        refused = await stored.use_cases().payments.decide_waiver(second.waiver, Choice.REFUSE, "too much")
    assert [each.waiver for each in waiting.items] == [second.waiver]
    assert refused.state is WaiverState.REFUSED
    assert (await stored.use_cases().payments.show_payments(str(fee))).due == inr(200)


async def test_the_list_has_pages(stored: Application) -> None:
    fee = await charged(stored)
    asked = [(await ask(stored, fee)).waiver for _ in range(3)]

    with acting_as(CHECKER):
        first = await stored.use_cases().payments.list_waivers(None, 2)
        second = await stored.use_cases().payments.list_waivers(first.next, 2)

    assert [each.waiver for each in (*first.items, *second.items)] == asked
    assert second.next is None


async def test_what_cannot_be_waived_is_refused(stored: Application) -> None:
    fee = await charged(stored)
    clerk = Principal(subject="clerk", permissions=BOTH, centre="C-2")

    with pytest.raises(UnknownHead, match="examination"):
        await ask(stored, fee, head="late-fee")
    with pytest.raises(WrongCurrency):
        await ask(stored, fee, amount=Money(1, "USD"))
    with pytest.raises(UnknownFee):
        await ask(stored, fee, clerk)
    with pytest.raises(UnknownWaiver):
        await approve(stored, ids.new())
    with pytest.raises(NotPermitted):
        await approve(stored, ids.new(), clerk)
    for wrong in ({"percent": 5}, {"amount": None}, {"reason": " "}, {"amount": inr(0)}, {"amount": inr(-5)}):
        with pytest.raises(Invalid):
            await ask(stored, fee, **wrong)
