"""What one submission owes, in any order of what can happen to it."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from core.kernel.money import Money
from core.payments.errors import NothingOwed, PaymentClosed, PaymentUnderWay, WrongCurrency
from core.payments.events import (
    FeeClearanceRevoked,
    FeeCleared,
    PaymentCaptured,
    PaymentRestored,
    PaymentReversed,
    RefundReserved,
)
from core.payments.fee_account import FeeAccount
from core.payments.fee_balance import FeeStatus
from core.payments.gateway import ChargebackReported, GatewayPayment, GatewayRefund, PaymentState, RefundState
from core.payments.gateway_reports import apply_chargeback, apply_payment, apply_payments, apply_refund
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import NEXT, OrderState, OrderTerms, PaymentOrder
from tests.examples import NOON, ids
from tests.unit.payments.account_machine import GATEWAY, AccountMachine, inr

CLOSES = NOON + timedelta(hours=12)
TERMS = OrderTerms()
HALF_AN_HOUR = TERMS.lifetime


def an_account(total: int = 50_000) -> FeeAccount:
    fee = ChargedFee(
        submission=ids.new(),
        student=ids.new(),
        reference="BF-1",
        schedule="S",
        total=inr(total),
        pay_by=CLOSES,
        at=NOON,
    )
    return fee.account()


def an_order(account: FeeAccount, at: datetime = NOON) -> PaymentOrder:
    order = account.open_order(ids.new(), GATEWAY, at, TERMS)
    order.gateway_order = "o-1"
    return order


def told(state: PaymentState, minor: int = 50_000, name: str = "p-1", at: datetime = NOON) -> GatewayPayment:
    return GatewayPayment(id=name, state=state, amount=inr(minor), at=at)


def test_the_account_and_the_ledger_tell_the_story_in_any_order() -> None:
    run_state_machine_as_test(AccountMachine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))


@pytest.mark.parametrize("state", [OrderState.OPENED, OrderState.AUTHORISED, OrderState.UNKNOWN])
def test_a_second_attempt_is_refused_while_the_first_could_be_paid(state: OrderState) -> None:
    account = an_account()
    order = an_order(account)
    order.state = state

    with pytest.raises(PaymentUnderWay, match=f"do not pay again: the payment {order.id} of this fee is {state}") as no:
        an_order(account)
    assert no.value.facts == {"order": str(order.id), "state": state}


@pytest.mark.parametrize("state", [OrderState.DECLINED, OrderState.EXPIRED])
def test_a_second_attempt_follows_one_that_failed(state: OrderState) -> None:
    account = an_account()
    an_order(account).state = state

    assert an_order(account).amount == inr(50_000)


def test_an_attempt_whose_page_no_payer_has_seen_is_continued() -> None:
    account = an_account()
    first = account.open_order(ids.new(), GATEWAY, NOON, TERMS)

    assert account.open_order(ids.new(), GATEWAY, NOON, TERMS) is first
    later = account.open_order(ids.new(), GATEWAY, NOON + HALF_AN_HOUR, TERMS)
    assert (first.state, later.state) == (OrderState.EXPIRED, OrderState.OPENED)


def test_a_late_authorisation_follows_a_refusal() -> None:
    account = an_account()
    order = an_order(account)

    seen = []
    for state in (PaymentState.DECLINED, PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.DECLINED):
        apply_payment(account, order, told(state), NOON)
        seen.append((order.state, account.status))

    assert seen == [
        (OrderState.DECLINED, FeeStatus.UNPAID),
        (OrderState.AUTHORISED, FeeStatus.PENDING),
        (OrderState.CAPTURED, FeeStatus.PAID),
        (OrderState.CAPTURED, FeeStatus.PAID),
    ]


def test_no_report_takes_a_captured_order_back() -> None:
    assert NEXT[OrderState.CAPTURED] == frozenset()
    assert NEXT.keys() == set(OrderState)


def test_a_refused_payment_beside_an_authorised_one_leaves_the_order_unknown_and_asks_at_once() -> None:
    account = an_account()
    order = an_order(account)
    apply_payment(account, order, told(PaymentState.AUTHORISED, name="p-2"), NOON)

    apply_payment(account, order, told(PaymentState.DECLINED, name="p-1"), NOON)

    assert (order.state, order.check_at, account.status) == (OrderState.UNKNOWN, NOON, FeeStatus.PENDING)


@pytest.mark.parametrize(
    ("paid", "status", "back"),
    [(20_000, FeeStatus.PART_PAID, 0), (50_000, FeeStatus.PAID, 0), (50_001, FeeStatus.PAID, 1)],
)
def test_exactly_the_surplus_goes_back(paid: int, status: FeeStatus, back: int) -> None:
    account = an_account()

    apply_payment(account, an_order(account), told(PaymentState.CAPTURED, paid), NOON)

    assert account.status is status
    assert [each.amount for each in account.events if isinstance(each, RefundReserved)] == [inr(back)][: back or 0]


def test_money_for_a_paid_fee_goes_back_and_the_fee_stays_paid() -> None:
    account = an_account()
    order = an_order(account)
    apply_payment(account, order, told(PaymentState.CAPTURED), NOON)

    apply_payment(account, order, told(PaymentState.CAPTURED, name="p-2"), NOON)

    [first, second] = account.payments
    [refund] = second.refunds
    assert (first.refunds, refund.amount, account.status) == ([], inr(50_000), FeeStatus.PAID)
    answer = GatewayRefund(
        refund=refund.id, id="r-1", payment="p-2", state=RefundState.REFUNDED, amount=inr(50_000), at=NOON
    )
    apply_refund(account, GATEWAY, answer, NOON)
    assert (account.owed, account.status) == (inr(0), FeeStatus.PAID)
    assert [type(each) for each in account.events if isinstance(each, FeeCleared | FeeClearanceRevoked)] == [FeeCleared]


def test_a_surplus_that_the_gateway_refuses_to_return_is_left_to_a_person() -> None:
    account = an_account()
    apply_payment(account, an_order(account), told(PaymentState.CAPTURED, 60_000), NOON)
    [refund] = account.payments[0].refunds

    for _ in range(2):
        answer = GatewayRefund(
            refund=refund.id, id="r-1", payment="p-1", state=RefundState.REFUSED, amount=inr(10_000), at=NOON
        )
        apply_refund(account, GATEWAY, answer, NOON)

    assert (len(account.payments[0].refunds), account.surplus) == (1, inr(10_000))


@pytest.mark.parametrize(
    ("opened", "paid", "late"),
    [
        (CLOSES - HALF_AN_HOUR, CLOSES - timedelta(milliseconds=1), False),
        (CLOSES - timedelta(seconds=1), CLOSES, True),
        (CLOSES - HALF_AN_HOUR, CLOSES + timedelta(hours=3), True),
    ],
)
def test_a_payment_that_was_started_in_time_is_honoured(opened: datetime, paid: datetime, *, late: bool) -> None:
    """Processed twenty minutes after midnight; the gateway's clock decides."""
    account = an_account()
    order = an_order(account, opened)

    apply_payment(account, order, told(PaymentState.CAPTURED, at=paid), CLOSES + timedelta(minutes=20))

    [captured] = [each for each in account.events if isinstance(each, PaymentCaptured)]
    assert (captured.late, captured.paid_at, account.status) == (late, paid, FeeStatus.PAID)


def test_no_payment_begins_after_the_deadline_or_for_nothing() -> None:
    with pytest.raises(PaymentClosed):
        an_order(an_account(), CLOSES)
    with pytest.raises(NothingOwed):
        an_order(an_account(total=0))


def test_money_in_another_currency_is_not_taken() -> None:
    account = an_account()
    order = an_order(account)
    foreign = GatewayPayment(id="p-1", state=PaymentState.CAPTURED, amount=Money(50_000, "USD"), at=NOON)

    with pytest.raises(WrongCurrency):
        apply_payment(account, order, foreign, NOON)


def test_the_gateway_is_asked_after_five_minutes_an_hour_and_a_day() -> None:
    account = an_account()
    order = an_order(account)
    asked = []
    while order.check_at:
        asked.append(order.check_at - NOON)
        now = order.check_at
        apply_payments(account, order, [], now)
        order.check_at = TERMS.next_check(order, now)

    assert asked == [timedelta(minutes=5), HALF_AN_HOUR, timedelta(hours=1), timedelta(days=1)]
    assert order.state is OrderState.EXPIRED


def test_a_paid_order_is_asked_about_once_more_because_it_can_be_paid_twice() -> None:
    account = an_account()
    order = an_order(account)
    apply_payment(account, order, told(PaymentState.CAPTURED), NOON)

    now = NOON + timedelta(minutes=5)
    assert (order.check_at, TERMS.next_check(order, now)) == (now, NOON + timedelta(days=1))
    assert TERMS.next_check(order, NOON + timedelta(days=1)) is None


def test_a_debit_that_is_not_confirmed_is_asked_about_daily() -> None:
    account = an_account()
    order = an_order(account)
    pending = told(PaymentState.AUTHORISED)
    for _ in range(8):
        now = order.check_at or NOON
        apply_payments(account, order, [pending], now)
        order.check_at = TERMS.next_check(order, now)

    assert order.check_at
    assert (order.check_at - NOON, account.status) == (timedelta(days=6), FeeStatus.PENDING)


def test_an_id_names_one_payment_of_one_gateway() -> None:
    account = an_account()
    for gateway, name in (("sandbox", "p-1"), ("stripe", "p-1"), ("sandbox", "p-1")):
        order = PaymentOrder(
            id=UUID(int=1), gateway=gateway, amount=inr(1), opened_at=NOON, expires_at=NOON, check_at=None
        )
        apply_payment(account, order, told(PaymentState.CAPTURED, 10_000, name), NOON)

    assert len(account.payments) == 2


def test_a_reversal_names_what_was_restored_of_its_payment_before() -> None:
    account = an_account()
    apply_payment(account, an_order(account), told(PaymentState.CAPTURED), NOON)
    for name in ("d-1", "d-2"):
        for won in (False, True):
            dispute = ChargebackReported(payment="p-1", chargeback=name, amount=inr(50_000), at=NOON, won=won)
            apply_chargeback(account, GATEWAY, dispute, NOON)

    first, second = [each for each in account.events if isinstance(each, PaymentReversed)]
    restored = [each.refund for each in account.events if isinstance(each, PaymentRestored)]
    assert (first.restored, second.restored) == ((), (first.refund,))
    assert restored == [first.refund, second.refund]
