"""What late payments cost, day by day of the schedule's zone."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from core.kernel.money import Money
from core.payments.errors import NothingOwed, PaymentClosed, PaymentUnderWay
from core.payments.events import FeeFined, FineWithdrawn
from core.payments.fee_account import FeeAccount
from core.payments.fine import FineRule, FineTerms
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderState, OrderTerms, PaymentOrder
from core.payments.payment import Payment, payment_id
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict

MIDNIGHT = datetime(2026, 3, 8, 18, 30, tzinfo=UTC)
"""The begin of 9 March in Kolkata: the deadline."""
BEFORE = MIDNIGHT - timedelta(days=5)
ONCE = FineRule(rule="once", head="late-payment", amount=100)
DAILY = FineRule(rule="daily", head="late-payment", amount=30, per_day=True, grace_days=2, cap=70)


def inr(minor: int) -> Money:
    return Money(minor, "INR")


def owing(*rules: FineRule, zone: str = "Asia/Kolkata", pay_by: datetime = MIDNIGHT) -> FeeAccount:
    """Return the account of a fee of 1000."""
    return ChargedFee(
        submission=UUID(int=1), student=UUID(int=2), reference="BF-1", schedule="s", total=inr(1000), pay_by=pay_by,
        at=BEFORE, fine_terms=FineTerms(version=3, zone=zone, rules=rules) if rules else None,
    ).account()  # fmt: skip


def pay(account: FeeAccount, minor: int, at: datetime, order: PaymentOrder | None = None, *, now: datetime) -> Payment:
    name = f"p-{len(account.payments)}"
    payment = Payment(
        id=payment_id("sandbox", name), gateway="sandbox", gateway_payment=name, amount=inr(minor), paid_at=at,
        order=order and order.id,
    )  # fmt: skip
    account.capture(payment, now)
    return payment


def begin(account: FeeAccount, at: datetime) -> PaymentOrder:
    order = account.open_order(UUID(int=100 + len(account.orders)), "sandbox", at, OrderTerms())
    order.gateway_order = "o"
    return order


def later(**more: float) -> datetime:
    return MIDNIGHT + timedelta(**more)


@pytest.mark.parametrize(
    ("rules", "at", "fined"),
    [
        ([ONCE], later(microseconds=-1), []),
        ([ONCE], later(), [("2026-03-09", 100)]),
        ([ONCE], later(days=30), [("2026-03-09", 100)]),
        ([DAILY], later(days=2, microseconds=-1), []),
        ([DAILY], later(days=2), [("2026-03-11", 30)]),
        ([DAILY], later(days=3), [("2026-03-11", 30), ("2026-03-12", 30)]),
        ([DAILY], later(days=90), [("2026-03-11", 30), ("2026-03-12", 30), ("2026-03-13", 10)]),
        ([FineRule(rule="share", head="h", basis_points=1000)], later(), [("2026-03-09", 100)]),
        ([ONCE, DAILY], later(days=2), [("2026-03-09", 100), ("2026-03-11", 30)]),
        ([FineRule(rule="nothing", head="h", amount=0)], later(days=3), []),
    ],
)  # fmt: skip
def test_each_rule_fines_its_days(rules: list[FineRule], at: datetime, fined: list[tuple[str, int]]) -> None:
    account = owing(*rules)

    account.fine(at)
    account.fine(at)

    assert [(each.day.isoformat(), each.amount.minor) for each in account.fines] == fined
    assert account.due.minor == 1000 + sum(minor for _, minor in fined)
    told = [each for each in account.events if isinstance(each, FeeFined)]
    assert [(each.rule, each.schedule_version, each.amount) for each in told] == [
        (each.rule, 3, each.amount) for each in account.fines
    ]


def test_the_balance_is_the_unpaid_price_without_earlier_fines() -> None:
    account = owing(ONCE, FineRule(rule="share", head="h", basis_points=1000, of="balance", grace_days=1))
    pay(account, 400, BEFORE, now=BEFORE)

    account.fine(later(days=1))

    assert [each.amount.minor for each in account.fines] == [100, 60]


def test_days_begin_at_the_local_time_of_the_deadline_also_when_clocks_change() -> None:
    nine_in_the_evening = datetime(2026, 3, 28, 20, tzinfo=UTC)  # 21:00 in Berlin; clocks go forward in this night
    account = owing(
        FineRule(rule="daily", head="h", amount=1, per_day=True, cap=100), zone="Europe/Berlin",
        pay_by=nine_in_the_evening,
    )  # fmt: skip

    account.fine(nine_in_the_evening + timedelta(hours=23))

    assert [(each.day, each.since) for each in account.fines] == [
        (date(2026, 3, 28), nine_in_the_evening),
        (date(2026, 3, 29), nine_in_the_evening + timedelta(hours=23)),
    ]


def test_what_is_paid_is_not_fined() -> None:
    account = owing(ONCE)
    pay(account, 1000, later(minutes=-30), now=later(minutes=-30))

    assert account.fine(later(minutes=5)) == 0
    assert account.fine_at is None


@pytest.mark.parametrize("state", [OrderState.OPENED, OrderState.AUTHORISED, OrderState.UNKNOWN])
def test_a_payment_that_began_in_time_holds_the_fine_up(state: OrderState) -> None:
    account = owing(ONCE)
    order = begin(account, later(minutes=-1))
    order.state = state

    assert account.fine(later(minutes=5)) == 0
    pay(account, 1000, later(microseconds=-1), order, now=later(minutes=20))

    assert account.cleared
    assert account.fine(later(days=1)) == 0


def test_a_payment_that_failed_is_fined_from_the_first_day() -> None:
    account = owing(DAILY)
    begin(account, later(minutes=-1)).state = OrderState.AUTHORISED
    assert account.fine(later(days=3)) == 0

    account.orders[0].moves_to(OrderState.DECLINED)
    account.fine(later(days=3))

    assert [each.day for each in account.fines] == [date(2026, 3, 11), date(2026, 3, 12)]


def test_a_payment_that_was_in_time_takes_its_fines_back() -> None:
    account = owing(ONCE)
    order = begin(account, later(minutes=-1))
    order.moves_to(OrderState.EXPIRED)
    account.fine(later(minutes=40))

    pay(account, 1000, later(microseconds=-1), order, now=later(hours=2))

    assert account.cleared
    assert account.due == inr(1000)
    assert [type(each).__name__ for each in account.events][-4:] == [
        "FeeFined", "PaymentCaptured", "FineWithdrawn", "FeeCleared",
    ]  # fmt: skip
    [withdrawn] = [each for each in account.events if isinstance(each, FineWithdrawn)]
    assert withdrawn.fine == account.fines[0].id


def test_a_part_that_was_in_time_takes_no_fine_back() -> None:
    account = owing(ONCE)
    account.fine(later(minutes=1))
    pay(account, 800, later(hours=1), now=later(hours=1))

    pay(account, 200, later(minutes=-5), now=later(hours=2))

    assert account.due == inr(1100)


def test_a_late_payer_is_quoted_the_fine_before_the_payment() -> None:
    account = owing(ONCE)

    order = begin(account, later(hours=1))
    with pytest.raises(PaymentUnderWay):
        begin(account, later(hours=2))
    pay(account, 1100, later(hours=1), order, now=later(hours=1))

    assert order.amount == inr(1100)
    assert account.cleared
    with pytest.raises(NothingOwed):
        begin(account, later(days=9))


def test_without_fines_payment_closes() -> None:
    with pytest.raises(PaymentClosed):
        begin(owing(), later())


def test_a_fee_that_is_owed_again_is_fined_from_the_next_day() -> None:
    account = owing(FineRule(rule="daily", head="h", amount=10, per_day=True, cap=1000))
    waiver = Waiver(
        id=UUID(int=9), head="h", amount=inr(1000), percent=None, reason="r", requested_by="a", requested_at=BEFORE
    )
    account.waivers.append(waiver)
    account.decide_waiver(waiver, WaiverState.APPROVED, WaiverVerdict("b", BEFORE, "r"))
    assert account.fine(later(days=5)) == 0

    account.retract_waiver(waiver, WaiverVerdict("b", later(days=5, hours=1), "r"))
    account.fine(later(days=6, hours=1))

    assert [each.day for each in account.fines] == [date(2026, 3, 15)]


def test_a_fine_that_was_waived_is_not_taken_back_too() -> None:
    account = owing(ONCE)
    order = begin(account, later(minutes=-1))
    order.moves_to(OrderState.EXPIRED)
    account.fine(later(minutes=40))
    waiver = Waiver(
        id=UUID(int=9), head="h", amount=inr(1050), percent=None, reason="r", requested_by="a", requested_at=BEFORE
    )
    account.waivers.append(waiver)
    account.decide_waiver(waiver, WaiverState.APPROVED, WaiverVerdict("b", later(hours=1), "r"))

    payment = pay(account, 100, later(microseconds=-1), order, now=later(hours=2))

    assert account.due == inr(50)
    assert [each.amount for each in payment.refunds] == [inr(50)]
