"""Instalments: what is due of them, and how payments, fines and waivers change them."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fees.instalments import InstalmentShare, deadline, instalments
from core.kernel.currencies import ACTIVE_CURRENCIES
from core.kernel.money import FULL_BASIS_POINTS, Money
from core.payments.errors import NothingOwed
from core.payments.events import PaymentReminderDue
from core.payments.fee_account import FeeAccount
from core.payments.fine import FineRule, FineTerms
from core.payments.instalment import Instalment
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderState, OrderTerms, PaidPart, PaymentOrder
from core.payments.payment import Payment, Refund, RefundCause, RefundStage, payment_id
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict

APRIL = datetime(2026, 3, 31, 18, 30, tzinfo=UTC)
"""The end of 31 March in Kolkata."""
JULY = datetime(2026, 6, 30, 18, 30, tzinfo=UTC)
NEW_YEAR = datetime(2026, 12, 31, 18, 30, tzinfo=UTC)
BEGIN = APRIL - timedelta(days=30)
ONCE = FineRule(rule="once", head="late-payment", amount=100)
DAILY = FineRule(rule="daily", head="late-payment", amount=30, per_day=True, cap=70)
SHARES = st.lists(st.integers(1, 200), min_size=1, max_size=12)


def inr(minor: int) -> Money:
    return Money(minor, "INR")


def owing(*rules: FineRule, pay_by: datetime | None = NEW_YEAR) -> FeeAccount:
    """Return the account of a fee of 500, 300 and 200."""
    parts = zip((500, 300, 200), (APRIL, JULY, pay_by), strict=True)
    return ChargedFee(
        submission=UUID(int=1), student=UUID(int=2), reference="BF-1", schedule="s", total=inr(1000), pay_by=pay_by,
        at=BEGIN, fine_terms=FineTerms(version=3, zone="Asia/Kolkata", rules=rules),
        instalments=tuple(Instalment(amount=inr(amount), pay_by=moment) for amount, moment in parts),
    ).account()  # fmt: skip


def begin(account: FeeAccount, at: datetime, pays: PaidPart = PaidPart.DUE) -> PaymentOrder:
    order = account.open_order(UUID(int=100 + len(account.orders)), "sandbox", at, OrderTerms(), pays=pays)
    order.gateway_order = "o"
    return order


def pay(account: FeeAccount, at: datetime, minor: int | None = None, order: PaymentOrder | None = None) -> Payment:
    """Pay an amount, or what is due."""
    order = order or (begin(account, at) if minor is None else None)
    name = f"p-{len(account.payments)}"
    payment = Payment(
        id=payment_id("sandbox", name), gateway="sandbox", gateway_payment=name, paid_at=at,
        amount=order.amount if order and minor is None else inr(minor or 0), order=order and order.id,
    )  # fmt: skip
    account.capture(payment, at)
    return payment


def waive(account: FeeAccount, minor: int, head: str = "tuition") -> Waiver:
    waiver = Waiver(
        id=UUID(int=900 + len(account.waivers)), head=head, amount=inr(minor), percent=None, reason="r",
        requested_by="a", requested_at=BEGIN,
    )  # fmt: skip
    account.waivers.append(waiver)
    account.decide_waiver(waiver, WaiverState.APPROVED, WaiverVerdict("b", BEGIN, "r"))
    return waiver


def owed(account: FeeAccount) -> list[int]:
    return [each.owed.minor for each in account.parts]


@given(
    minor=st.integers(0, 10**12),
    currency=st.sampled_from(sorted(ACTIVE_CURRENCIES)),
    weights=SHARES,
    dues=st.lists(st.one_of(st.none(), st.dates()), min_size=12, max_size=12),
)
def test_the_parts_of_an_account_sum_to_the_priced_total(
    minor: int, currency: str, weights: list[int], dues: list[object]
) -> None:
    total = Money(minor, currency)
    points = [each.minor for each in Money(FULL_BASIS_POINTS, "INR").split(weights)]
    shares = [InstalmentShare(basis_points=each, due=due) for each, due in zip(points, dues, strict=False)]  # type: ignore[arg-type]

    account = ChargedFee(
        submission=UUID(int=1), student=UUID(int=2), reference="BF-1", schedule="s", total=total, pay_by=NEW_YEAR,
        at=BEGIN, instalments=tuple(
            Instalment(amount=each.amount, pay_by=deadline(each.due, "Asia/Kolkata", NEW_YEAR))
            for each in instalments(total, shares)
        ),
    ).account()  # fmt: skip

    assert sum(each.amount.minor for each in account.parts) == minor
    assert sum(owed(account)) == minor
    assert all(before.pay_by < after.pay_by for before, after in zip(account.parts, account.parts[1:], strict=False))  # type: ignore[operator]
    assert account.payable(BEGIN) <= total


@given(st.lists(st.tuples(st.sampled_from(["pay", "refund", "waive", "retract", "days"]), st.integers(1, 700))))
def test_unpaid_parts_are_the_balance_whatever_happens(story: list[tuple[str, int]]) -> None:
    account, now = owing(ONCE, DAILY), BEGIN
    for number, (act, amount) in enumerate(story):
        if act == "pay":
            pay(account, now, amount)
        elif act == "days":
            now += timedelta(days=amount % 120)
            account.fine(now)
        elif act == "waive" and amount <= account.due.minor:
            waive(account, amount, "late-payment" if amount % 2 else "tuition")
        elif act == "retract" and (valid := [each for each in account.waivers if each.state is WaiverState.APPROVED]):
            account.retract_waiver(valid[amount % len(valid)], WaiverVerdict("b", now, "r"))
        elif act == "refund" and (kept := [each for each in account.payments if each.refundable.minor > 0]):
            payment = kept[amount % len(kept)]
            refund = Refund(
                id=UUID(int=5000 + number), amount=min(inr(amount), payment.refundable), cause=RefundCause.DECISION,
                reserved_at=now, check_at=None,
            )  # fmt: skip
            account.record_refund(payment, refund, RefundStage.SETTLED, now)
        assert sum(owed(account)) == max(account.owed.minor, 0)
        assert min(owed(account)) >= 0
        assert account.cleared == (account.owed.minor <= 0) == (sum(owed(account)) == 0)


def test_an_order_is_over_the_next_instalment_and_the_overdue_ones_or_over_all() -> None:
    assert begin(owing(ONCE), BEGIN).amount == inr(500)
    assert begin(owing(ONCE), BEGIN, PaidPart.ALL).amount == inr(1000)
    assert begin(owing(ONCE), JULY).amount == inr(500 + 100 + 300 + 100)
    assert begin(owing(ONCE), NEW_YEAR).amount == inr(1300)


def test_an_order_that_no_payer_saw_is_not_continued_by_one_over_another_part() -> None:
    account = owing(ONCE)
    unseen = account.open_order(UUID(int=7), "sandbox", BEGIN, OrderTerms())

    whole = account.open_order(UUID(int=8), "sandbox", BEGIN, OrderTerms(), pays=PaidPart.ALL)

    assert (unseen.state, whole.amount) == (OrderState.EXPIRED, inr(1000))


def test_parts_of_one_deadline_are_one_and_a_fee_of_one_deadline_has_none() -> None:
    same = tuple(Instalment(amount=inr(250), pay_by=NEW_YEAR) for _ in range(4))
    fee = ChargedFee(
        submission=UUID(int=1), student=UUID(int=2), reference="BF-1", schedule="s", total=inr(1000), pay_by=NEW_YEAR,
        at=BEGIN, instalments=same,
    )  # fmt: skip

    account = fee.account()

    assert account.instalments == ()
    assert account.payable(BEGIN) == inr(1000)


def test_only_the_instalment_that_is_late_is_fined_and_once_a_day() -> None:
    account = owing(ONCE, DAILY)
    pay(account, APRIL - timedelta(days=1))

    account.fine(JULY + timedelta(days=1))
    account.fine(JULY + timedelta(days=1))

    assert [(each.instalment, each.rule, each.amount.minor) for each in account.fines] == [
        (2, "once", 100), (2, "daily", 30), (2, "daily", 30),
    ]  # fmt: skip
    assert owed(account) == [0, 460, 200]


def test_two_late_instalments_are_fined_on_one_day_each_up_to_its_cap() -> None:
    account = owing(FineRule(rule="daily", head="late-payment", amount=1, per_day=True, cap=95))

    account.fine(JULY + timedelta(days=30))

    assert [each.fined.minor for each in account.parts] == [95, 31, 0]
    days = [each.day for each in account.fines]
    assert len(days) - len(set(days)) == 4


def test_a_share_is_of_the_instalment_and_not_of_the_whole() -> None:
    account = owing(
        FineRule(rule="total", head="h", basis_points=1000),
        FineRule(rule="balance", head="h", basis_points=1000, of="balance"),
    )
    pay(account, BEGIN, 200)

    account.fine(APRIL)

    assert [each.amount.minor for each in account.fines] == [50, 30]


def test_a_payment_of_an_instalment_that_was_in_time_takes_its_fine_back() -> None:
    account = owing(ONCE)
    order = begin(account, APRIL - timedelta(minutes=1))
    order.moves_to(OrderState.EXPIRED)
    account.fine(APRIL + timedelta(minutes=40))

    payment = pay(account, APRIL + timedelta(minutes=41), order=order)

    assert payment.late
    assert owed(account) == [0, 300, 200]
    assert [each.withdrawn_at is None for each in account.fines] == [False]


def test_a_waiver_lowers_the_last_instalments_and_one_of_a_fine_the_fine() -> None:
    account = owing(ONCE)
    account.fine(APRIL)

    waive(account, 250)
    assert owed(account) == [600, 250, 0]
    of_the_fine = waive(account, 100, "late-payment")
    assert owed(account) == [500, 250, 0]
    account.retract_waiver(of_the_fine, WaiverVerdict("b", BEGIN, "r"))
    assert owed(account) == [600, 250, 0]


def test_a_refund_is_owed_again_from_the_last_instalment_that_was_paid_and_fined_if_that_is_late() -> None:
    account = owing(ONCE)
    pay(account, BEGIN)
    payment = pay(account, BEGIN + timedelta(days=1))
    assert account.fine_at == APRIL
    account.fine(JULY + timedelta(days=2))
    refund = Refund(
        id=UUID(int=5), amount=inr(300), cause=RefundCause.CHARGEBACK, reserved_at=JULY, check_at=None
    )  # fmt: skip

    account.record_refund(payment, refund, RefundStage.SETTLED, JULY + timedelta(days=2))
    account.fine(JULY + timedelta(days=3))

    assert owed(account) == [0, 400, 200]


def test_a_fee_is_cleared_when_the_last_instalment_is_paid() -> None:
    account = owing(ONCE)
    for cleared in (False, False, True):
        pay(account, BEGIN)
        assert account.cleared == cleared
    with pytest.raises(NothingOwed):
        begin(account, BEGIN)


def test_each_instalment_is_reminded_of_once_for_each_reason_unless_it_is_paid() -> None:
    account, now = owing(ONCE), BEGIN
    while now < NEW_YEAR + timedelta(days=20):
        account.remind(now)
        account.remind(now)
        if now.date() == datetime(2026, 4, 3, tzinfo=UTC).date():
            pay(account, now)
        now += timedelta(days=1)

    told = [(each.instalment, each.reminder) for each in account.events if isinstance(each, PaymentReminderDue)]
    assert told == [
        (1, "due-7"), (1, "due-1"), (1, "overdue-1"),
        *((number, reason) for number in (2, 3) for reason in ("due-7", "due-1", "overdue-1", "overdue-7")),
    ]  # fmt: skip


@pytest.mark.parametrize("came", [True, False])
def test_a_reminder_waits_for_a_payment_that_may_have_come_and_is_told_if_it_did_not(*, came: bool) -> None:
    account, due = owing(ONCE), APRIL - timedelta(days=1)
    order = begin(account, due - timedelta(hours=1))
    order.moves_to(OrderState.AUTHORISED)
    assert account.remind(due) == 0

    if came:
        pay(account, due, order=order)
    else:
        order.moves_to(OrderState.DECLINED)
    told = [account.remind(due + timedelta(hours=hours)) for hours in (1, 2)]

    assert told == ([0, 0] if came else [1, 0])


@pytest.mark.parametrize(
    ("due", "closes", "last"),
    [
        (date(2026, 3, 31), NEW_YEAR, APRIL),
        (date(2026, 3, 31), None, APRIL),
        (date(2026, 3, 31), APRIL - timedelta(hours=3), APRIL - timedelta(hours=3)),
        (None, NEW_YEAR, NEW_YEAR),
        (None, None, None),
        (date.max, NEW_YEAR, NEW_YEAR),
    ],
)
def test_an_instalment_ends_with_its_last_day_and_not_after_the_whole(
    due: date | None, closes: datetime | None, last: datetime | None
) -> None:
    assert deadline(due, "Asia/Kolkata", closes) == last
