"""The contract of counter payments, for every kind of persistence."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.authorization import Permission, Principal, acting_as
from core.kernel.decisions import Choice, SamePerson
from core.kernel.errors import CoreError, Invalid, Unprocessable
from core.kernel.idempotency import RequestContext, execute_once
from core.kernel.money import Money
from core.messaging.message import Received
from core.payments.counter_payment import CounterDeposit, CounterMethod, CounterReceipt, CounterState
from core.payments.errors import (
    AlreadyDecided,
    DocumentUsed,
    NotACheque,
    NothingOwed,
    PaymentUnderWay,
    RefundNotInDoubt,
    UnknownFee,
    WrongCurrency,
)
from core.payments.fee_balance import FeeStatus
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderTerms
from core.payments.payment import RefundCause, RefundStage
from core.payments.use_cases import PaymentsUseCases
from core.policies.when_fee_submitted import when_fee_submitted
from core.students.student import Student, StudentId
from tests.contract.test_fee_accounts import inr, opened, read
from tests.examples import NOON, StoppedClock, a_message, a_submission, an_enrolment, ids
from tests.units_of_work import any_work

LIMIT = 5_000_000
APPROVE, REFUSE = Choice.APPROVE, Choice.REFUSE


def person(name: str, centre: str = "", *permissions: Permission) -> Principal:
    allowed = frozenset(permissions or Permission)
    return Principal(subject=f"account:{name}", permissions=allowed, centre=centre)


CLERK, OFFICER = person("clerk"), person("officer")


@pytest.fixture
def desk(stored: Application) -> PaymentsUseCases:
    """Return the use cases at the time of the tests' requests."""
    known = stored.use_cases().payments
    return replace(known, take_counter_payment=replace(known.take_counter_payment, clock=StoppedClock(NOON)))


def cash(minor: int) -> CounterDeposit:
    return CounterDeposit(amount=inr(minor), method=CounterMethod.CASH)


def cheque(minor: int, number: str | None = None) -> CounterDeposit:
    return CounterDeposit(amount=inr(minor), method=CounterMethod.CHEQUE, document=number or f"{ids.new()}")


async def take(desk: PaymentsUseCases, fee: UUID, deposit: CounterDeposit, key: str | None = None) -> CounterReceipt:
    with acting_as(CLERK):
        return await desk.take_counter_payment(
            str(fee), deposit, RequestContext(arrived=NOON, scope="desk", key=key, fingerprint=b"f" * 32)
        )


async def test_cash_pays_a_fee(stored: Application, desk: PaymentsUseCases) -> None:
    fee = await opened(stored)

    receipt = await take(desk, fee, cash(50_000))

    account = await read(stored, fee)
    assert (receipt.state, account.status, account.cleared) == (CounterState.TAKEN, FeeStatus.PAID, True)
    [payment] = account.payments
    assert (payment.id, payment.gateway, payment.method, payment.paid_at) == (receipt.payment, "counter", "cash", NOON)


async def test_two_equal_payments_in_cash_are_two(stored: Application, desk: PaymentsUseCases) -> None:
    fee = await opened(stored)

    first, second = await take(desk, fee, cash(20_000)), await take(desk, fee, cash(20_000))

    assert first.number != second.number
    assert (await read(stored, fee)).owed == inr(10_000)


async def test_a_repeated_request_takes_the_money_once(stored: Application, desk: PaymentsUseCases) -> None:
    fee, key = await opened(stored), str(ids.new())
    await take(desk, fee, cash(20_000), key)

    request = RequestContext(arrived=NOON, scope="desk", key=key, fingerprint=b"f" * 32)
    again = await execute_once(stored.messaging.answers(), request, take(desk, fee, cash(20_000), key))

    assert isinstance(again, bytes)
    assert (await read(stored, fee)).received == inr(20_000)


async def test_cash_for_a_paid_fee_is_handed_back_and_a_challan_goes_back(
    stored: Application, desk: PaymentsUseCases
) -> None:
    fee = await opened(stored)
    await take(desk, fee, cash(50_000))
    challan = CounterDeposit(amount=inr(50_000), method=CounterMethod.CHALLAN, document=str(ids.new()))

    with pytest.raises(NothingOwed):
        await take(desk, fee, cash(1))
    await take(desk, fee, challan)

    account = await read(stored, fee)
    [back] = [each for payment in account.payments for each in payment.refunds]
    assert (account.status, back.amount, back.cause, back.check_at) == (
        FeeStatus.PAID,
        inr(50_000),
        RefundCause.SURPLUS,
        None,
    )


async def test_a_surplus_is_paid_out_once(stored: Application, desk: PaymentsUseCases) -> None:
    fee = await opened(stored)
    await take(desk, fee, cash(60_000))
    [back] = (await read(stored, fee)).payments[0].refunds
    waiting = await desk.list_refunds(RefundStage.RESERVED, None, 100)
    assert back.id in {each.refund for each in waiting.items} or waiting.next

    paid = await desk.pay_out_refund(back.id)

    assert (paid.stage, paid.amount) == (RefundStage.SETTLED, inr(10_000))
    assert (await read(stored, fee)).owed == inr(0)
    with pytest.raises(RefundNotInDoubt):
        await desk.pay_out_refund(back.id)


async def test_a_document_pays_one_fee(stored: Application, desk: PaymentsUseCases) -> None:
    one, two, number = await opened(stored), await opened(stored), f"000123/{ids.new()}"

    outcomes = await asyncio.gather(
        *(take(desk, fee, cheque(50_000, number)) for fee in (one, two, one, two)), return_exceptions=True
    )

    assert sum(isinstance(each, CounterReceipt) for each in outcomes) == 1
    assert all(isinstance(each, CounterReceipt | CoreError) for each in outcomes)
    with pytest.raises(DocumentUsed):
        await take(desk, one, cheque(1, number.upper()))
    received = [(await read(stored, fee)).received.minor for fee in (one, two)]
    assert sorted(received) == [0, 50_000]


async def test_above_the_limit_a_second_person_decides(stored: Application, desk: PaymentsUseCases) -> None:
    fee = await opened(stored, LIMIT + 1)
    receipt = await take(desk, fee, cash(LIMIT + 1))
    account = await read(stored, fee)
    assert (receipt.state, account.status, account.received) == (CounterState.WAITING, FeeStatus.PENDING, inr(0))
    with pytest.raises(PaymentUnderWay):
        account.open_order(ids.new(), "sandbox", NOON, OrderTerms())

    for same in (CLERK, person("clerk as account:officer")):
        with acting_as(same), pytest.raises(SamePerson):
            await desk.decide_counter_payment(receipt.id, APPROVE, "it is in the safe")
    with acting_as(OFFICER):
        page = await desk.list_counter_payments(CounterState.WAITING, None, 1000)
        decided = await desk.decide_counter_payment(receipt.id, APPROVE, "it is in the safe")
        with pytest.raises(AlreadyDecided):
            await desk.decide_counter_payment(receipt.id, REFUSE, "on second thoughts")

    assert receipt.id in {each.id for each in page.items}
    assert (decided.state, decided.decided_by) == (CounterState.TAKEN, "account:officer")
    account = await read(stored, fee)
    assert (account.status, account.received, account.payments[0].id) == (
        FeeStatus.PAID,
        inr(LIMIT + 1),
        receipt.payment,
    )


async def test_a_refused_document_can_be_handed_in_again(stored: Application, desk: PaymentsUseCases) -> None:
    fee, number = await opened(stored, LIMIT * 2), str(ids.new())
    receipt = await take(desk, fee, cheque(LIMIT + 1, number))
    with pytest.raises(DocumentUsed):
        await take(desk, fee, cheque(LIMIT + 1, number))

    with acting_as(OFFICER):
        await desk.decide_counter_payment(receipt.id, REFUSE, "the date is missing")

    assert (await read(stored, fee)).status is FeeStatus.UNPAID
    assert (await take(desk, fee, cheque(100, number))).state is CounterState.TAKEN


async def test_two_persons_who_decide_at_once_take_it_once(stored: Application, desk: PaymentsUseCases) -> None:
    fee = await opened(stored, LIMIT * 2)
    receipt = await take(desk, fee, cash(LIMIT + 1))

    async def decide(name: str, decision: Choice) -> CounterReceipt:
        with acting_as(person(name)):
            return await desk.decide_counter_payment(receipt.id, decision, "seen")

    both = [decide("a", APPROVE), decide("b", REFUSE), decide("c", APPROVE), decide("d", REFUSE)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)

    [decided] = [each for each in outcomes if isinstance(each, CounterReceipt)]
    assert all(isinstance(each, CounterReceipt | CoreError) for each in outcomes)
    taken = decided.state is CounterState.TAKEN
    assert (await read(stored, fee)).received.minor == (LIMIT + 1 if taken else 0)


async def test_a_cheque_that_bounces_is_owed_again_and_its_surplus_stays(
    stored: Application, desk: PaymentsUseCases
) -> None:
    fee = await opened(stored)
    receipt = await take(desk, fee, cheque(60_000))

    await desk.bounce_cheque(receipt.payment, "insufficient funds")

    account = await read(stored, fee)
    assert (account.owed, account.cleared, account.status) == (inr(50_000), False, FeeStatus.UNPAID)
    stages = {each.cause: each.stage for each in account.payments[0].refunds}
    assert stages == {RefundCause.SURPLUS: RefundStage.RELEASED, RefundCause.BOUNCED: RefundStage.SETTLED}
    with pytest.raises(AlreadyDecided):
        await desk.bounce_cheque(receipt.payment, "insufficient funds")


async def test_cash_does_not_bounce(stored: Application, desk: PaymentsUseCases) -> None:
    receipt = await take(desk, await opened(stored), cash(50_000))

    with pytest.raises(NotACheque):
        await desk.bounce_cheque(receipt.payment, "it looked odd")


async def test_a_payer_at_the_counter_is_warned_of_an_online_payment(
    stored: Application, desk: PaymentsUseCases
) -> None:
    fee = await opened(stored)
    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        account.open_order(ids.new(), "sandbox", NOON, OrderTerms()).gateway_order = f"o-{fee}"
        work.accounts.save(account)
        await work.commit()

    receipt = await take(desk, fee, cash(50_000))

    assert receipt.warning == (
        "another payment by sandbox is opened: if it arrives as well, what is too much goes back"
    )
    assert (await read(stored, fee)).status is FeeStatus.PAID


async def test_a_clerk_takes_money_for_the_own_centre_only(stored: Application, desk: PaymentsUseCases) -> None:
    student = Student(
        id=StudentId(ids.new()), enrolment=an_enrolment(registration=f"T-{ids.new().hex[-12:]}", centre="PUNE-1")
    )
    async with any_work(stored) as work:
        work.students.add(student)
        await work.commit()
    submission = ids.new()
    fee = ChargedFee(
        submission=submission,
        student=student.id,
        reference=f"BF-{submission.hex[-12:]}".upper(),
        schedule="S",
        total=inr(50_000),
        pay_by=None,
        at=NOON,
    )
    await desk.open_fee_accounts([fee])
    own, other = (person("c", centre, Permission.PAYMENTS_TAKE) for centre in ("PUNE-1", "PUNE-2"))
    request = RequestContext(arrived=NOON)

    with acting_as(other), pytest.raises(UnknownFee):
        await desk.take_counter_payment(str(submission), cash(60_000), request)
    with acting_as(own):
        await desk.take_counter_payment(str(submission), cash(60_000), request)
    [back] = (await read(stored, submission)).payments[0].refunds
    with acting_as(other), pytest.raises(UnknownFee):
        await desk.pay_out_refund(back.id)
    with acting_as(own):
        assert (await desk.pay_out_refund(back.id)).stage is RefundStage.SETTLED


async def test_a_deposit_has_the_currency_of_the_fee_and_a_past_moment(
    stored: Application, desk: PaymentsUseCases
) -> None:
    fee = await opened(stored)

    with pytest.raises(WrongCurrency):
        await take(desk, fee, CounterDeposit(amount=Money(1, "USD"), method=CounterMethod.CASH))
    with pytest.raises(Unprocessable):
        await take(desk, fee, replace(cash(1), paid_at=NOON + timedelta(seconds=1)))
    assert (await read(stored, fee)).received == inr(0)


@pytest.mark.parametrize(
    ("method", "document", "minor"),
    [("cash", "1", 1), ("cheque", None, 1), ("challan", "", 1), ("cheque", "a\nb", 1), ("cash", None, 0)],
)
def test_a_deposit_without_its_form_is_refused(method: str, document: str | None, minor: int) -> None:
    with pytest.raises(Invalid):
        CounterDeposit(amount=inr(minor), method=CounterMethod(method), document=document)


async def test_a_payment_that_is_dated_back_further_than_a_week_needs_a_second_person(
    stored: Application, desk: PaymentsUseCases
) -> None:
    week, fee = timedelta(days=7), await opened(stored)
    dated = [replace(cheque(20_000), paid_at=NOON - back) for back in (week, week + timedelta(microseconds=1))]

    recent, old = [await take(desk, fee, each) for each in dated]

    assert (recent.state, old.state) == (CounterState.TAKEN, CounterState.WAITING)
    assert (await read(stored, fee)).status is FeeStatus.PENDING
    with acting_as(OFFICER):
        await desk.decide_counter_payment(old.id, APPROVE, "the challan was seen")
    assert {each.paid_at for each in (await read(stored, fee)).payments} == {NOON - week, old.paid_at}


async def test_a_message_that_was_sent_long_ago_is_dated_back_and_one_of_the_future_is_of_now(
    stored: Application, desk: PaymentsUseCases
) -> None:
    fee = await opened(stored)
    receipts = []
    for arrived in (NOON - timedelta(days=30), NOON + timedelta(days=30)):
        with acting_as(CLERK):
            request = RequestContext(arrived=arrived)
            receipts.append(await desk.take_counter_payment(str(fee), cash(10_000), request))

    assert [(each.state, each.paid_at) for each in receipts] == [
        (CounterState.WAITING, NOON - timedelta(days=30)), (CounterState.TAKEN, NOON),
    ]  # fmt: skip


async def test_nothing_is_paid_before_it_was_submitted(stored: Application, desk: PaymentsUseCases) -> None:
    submission, event = a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
    await when_fee_submitted([Received(a_message(subject=event.subject), event)], stored.use_cases())
    minute = submission.received_at.replace(second=0, microsecond=0)
    early = replace(cheque(100), paid_at=minute - timedelta(microseconds=1))

    with pytest.raises(Unprocessable, match="before the fee was submitted") as refused:
        await take(desk, submission.id, early)
    receipt = await take(desk, submission.id, replace(early, paid_at=minute))

    assert (refused.value.at, receipt.state) == ("$.paid_at", CounterState.TAKEN)
