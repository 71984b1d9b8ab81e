"""The contract of fee accounts, for every kind of persistence."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.authorization import acting_as, current_principal
from core.kernel.errors import Conflict, Unavailable
from core.kernel.money import Money
from core.payments.account_events import account_id
from core.payments.errors import NotChargedYet, UnknownFee
from core.payments.events import PaymentCaptured
from core.payments.fee_account import FeeAccount
from core.payments.fee_balance import FeeStatus
from core.payments.gateway import Checkout
from core.payments.named_fee import reachable_fee
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderState, OrderTerms
from core.payments.payment import Payment, RefundStage, payment_id
from core.payments.ports import DueCheck, NamedFee
from tests.examples import NOON, a_submission, ids
from tests.units_of_work import any_work


def inr(minor: int) -> Money:
    return Money(minor, "INR")


async def opened(stored: Application, total: int = 50_000) -> UUID:
    submission = ids.new()
    fee = ChargedFee(
        submission=submission,
        student=ids.new(),
        reference=f"BF-{submission.hex[-12:]}".upper(),
        schedule="S",
        total=inr(total),
        pay_by=None,
        at=NOON,
    )
    await stored.use_cases().payments.open_fee_accounts([fee])
    return submission


async def read(stored: Application, submission: UUID) -> FeeAccount:
    found = await stored.payments.records().find(submission)
    assert found is not None
    account: FeeAccount = found.account
    return account


def a_payment(minor: int, name: str, order: UUID | None = None) -> Payment:
    return Payment(
        id=payment_id("sandbox", name),
        gateway="sandbox",
        gateway_payment=name,
        order=order,
        method="upi",
        amount=inr(minor),
        paid_at=NOON,
    )


async def take(stored: Application, submission: UUID, payment: Payment) -> None:
    """Capture a payment, again if another process was faster."""
    for _ in range(20):
        try:
            async with stored.payments.new_work() as work:
                account = (await work.accounts.lock([submission]))[submission]
                account.capture(payment, NOON)
                work.accounts.save(account)
                work.record(*account.events)
                await work.commit()
        except (Conflict, Unavailable):
            continue
        return
    raise AssertionError("the payment could not be stored")


async def test_an_account_is_read_as_it_was_stored(stored: Application) -> None:
    submission, order = await opened(stored), ids.new()
    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([submission]))[submission]
        placed = account.open_order(order, "sandbox", NOON, OrderTerms())
        placed.gateway_order, placed.checkout = "o-1", Checkout(url="https://pay.example/1", fields={"key": "k"})
        work.accounts.save(account)
        await work.commit()
    await take(stored, submission, a_payment(60_000, f"p-{order}", order))

    known = await read(stored, submission)

    assert (known.status, known.owed, known.cleared) == (FeeStatus.PAID, inr(-10_000), True)
    [placed], [payment] = known.orders, known.payments
    assert (placed.gateway_order, placed.checkout) == (
        "o-1",
        Checkout(url="https://pay.example/1", fields={"key": "k"}),
    )
    [surplus] = payment.refunds
    assert (payment.amount, surplus.amount, surplus.stage) == (inr(60_000), inr(10_000), RefundStage.RESERVED)
    assert await stored.payments.records().submissions_of([order, payment.id, ids.new()]) == {
        order: submission,
        payment.id: submission,
    }
    assert await stored.payments.records().orders_of("sandbox", ["o-1", "o-2"]) == {"o-1": order}
    assert DueCheck(submission, surplus.id) in await stored.payments.records().due_checks(NOON, 1000)


async def test_a_second_opening_changes_nothing(stored: Application) -> None:
    submission = await opened(stored)
    await take(stored, submission, a_payment(10_000, f"p-{submission}"))
    known = await read(stored, submission)
    fee = ChargedFee(
        submission=submission,
        student=known.student,
        reference=known.reference,
        schedule="S",
        total=inr(1),
        pay_by=None,
        at=NOON,
    )

    await stored.use_cases().payments.open_fee_accounts([fee])

    assert (await read(stored, submission)).owed == inr(40_000)


async def test_a_fee_of_nothing_is_cleared_at_once(stored: Application) -> None:
    known = await read(stored, await opened(stored, total=0))

    assert (known.status, known.cleared) == (FeeStatus.PAID, True)


async def test_simultaneous_reports_of_one_payment_have_one_effect(stored: Application) -> None:
    submission = await opened(stored)
    payments = [a_payment(20_000, f"p-{submission}-{number % 3}") for number in range(12)]

    await asyncio.gather(*[take(stored, submission, each) for each in payments])

    known = await read(stored, submission)
    assert len(known.payments) == 3
    assert (known.owed, known.surplus) == (inr(-10_000), inr(0))
    history = await stored.messaging.event_history().page("payments", None, 10_000)
    told = [
        each for each in history if each.type == PaymentCaptured.MESSAGE_TYPE and each.subject == account_id(submission)
    ]
    assert len(told) == 3


@pytest.mark.parametrize("name", ["", "BF-0000", "x" * 5_000, "' OR 1=1 --", "\ud800", "BF-é"])
async def test_no_account_has_another_name(stored: Application, name: str) -> None:
    known, find = await read(stored, await opened(stored)), stored.payments.names().find

    found, same, other = await asyncio.gather(find(str(known.submission)), find(known.reference.lower()), find(name))

    assert found == same == NamedFee(known.submission, known.student, centre="", submitted=None)
    assert other is None


async def test_a_fee_whose_event_is_not_processed_is_paid_in_a_moment(stored: Application) -> None:
    submission, _ = a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
    elsewhere = replace(current_principal.get(), centre="another centre")

    for name in (str(submission.id), submission.reference.lower()):
        with pytest.raises(NotChargedYet) as soon:
            await reachable_fee(stored.payments.names(), name)
        assert soon.value.retry_after == 1.0
        with acting_as(elsewhere), pytest.raises(UnknownFee):
            await reachable_fee(stored.payments.names(), name)


async def test_orders_under_way_are_counted_by_gateway_and_state(stored: Application) -> None:
    figures = stored.payments.order_figures()
    before = {(each.gateway, each.state): each.count for each in await figures.under_way()}
    for gateway, state in (
        ("stripe", OrderState.OPENED),
        ("stripe", OrderState.AUTHORISED),
        ("sandbox", "captured"),
        ("counter", "authorised"),
    ):
        submission = await opened(stored)
        async with stored.payments.new_work() as work:
            account = (await work.accounts.lock([submission]))[submission]
            account.open_order(ids.new(), gateway, NOON, OrderTerms()).state = OrderState(state)
            work.accounts.save(account)
            await work.commit()

    found = {(each.gateway, each.state): each for each in await figures.under_way()}

    more = {key: each.count - before.get(key, 0) for key, each in found.items() if each.count != before.get(key, 0)}
    assert more == {("stripe", OrderState.OPENED): 1, ("stripe", OrderState.AUTHORISED): 1}
    assert found["stripe", OrderState.OPENED].oldest == NOON
