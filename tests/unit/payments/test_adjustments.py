"""What a corrected tariff does to one account."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.kernel.decisions import Choice, Decision
from core.kernel.money import Money
from core.payments.adjustment import Adjustment, HeadAmount, RepricedFee
from core.payments.decide_adjustments import decide
from core.payments.events import FeeAdjusted
from core.payments.fee_account import FeeAccount
from core.payments.fine import FineRule
from core.payments.order import OrderTerms
from core.payments.propose_adjustments import propose
from tests.unit.payments import test_instalments
from tests.unit.payments.test_fines import BEFORE, DAILY, MIDNIGHT, ONCE, inr, later, owing, pay


def reprice(account: FeeAccount, minor: int, at: datetime) -> None:
    """Approve another price than 1000 at a moment."""
    known = list[Adjustment]()
    amounts = {"before": [HeadAmount("examination", inr(1000))], "after": [HeadAmount("examination", inr(minor))]}
    propose(account, known, RepricedFee(submission=account.submission, version=4, asked_by="maker", at=at, **amounts))
    decide({account.submission: account}, known[0], Choice.APPROVE, Decision(who="checker", why="as resolved"), at)


def test_a_demand_after_the_deadline_is_payable_for_14_days_and_fined_afterwards() -> None:
    account = owing(ONCE)
    pay(account, 1000, BEFORE, now=BEFORE)
    approved_at = later(days=30, hours=5)

    reprice(account, 1300, approved_at)

    assert account.pay_by == later(days=45)  # 14 whole days later, at the local time of the fee's own deadline
    assert account.fine(later(days=45, microseconds=-1)) == 0
    assert account.open_order(UUID(int=9), "sandbox", later(days=44), OrderTerms()).amount == inr(300)
    assert account.fine(later(days=45)) == 1


def test_a_demand_before_the_deadline_has_14_days_too() -> None:
    account = owing(ONCE)
    reprice(account, 1300, later(hours=-1))
    assert account.pay_by == later(days=14)
    assert (account.owed, account.fine(later(days=1))) == (inr(1300), 0)


def test_a_demand_long_before_the_deadline_leaves_it() -> None:
    account = owing(ONCE)
    reprice(account, 1300, MIDNIGHT - timedelta(days=40))
    assert account.pay_by == MIDNIGHT


def test_who_is_overdue_gets_no_new_deadline_by_a_demand() -> None:
    account = owing(DAILY)
    account.fine(later(days=2))
    reprice(account, 1300, later(days=2, hours=1))
    assert account.pay_by == MIDNIGHT
    assert account.fine(later(days=3)) == 1


def test_a_fee_without_fines_can_be_paid_again_after_a_demand() -> None:
    account = owing()
    account.fine_terms = owing(ONCE).fine_terms
    assert account.fine_terms is not None
    pay(account, 1000, BEFORE, now=BEFORE)
    reprice(account, 1300, later(days=10))
    assert account.open_order(UUID(int=9), "sandbox", later(days=20), OrderTerms()).amount == inr(300)


def test_the_next_fine_is_of_the_corrected_price() -> None:
    share = FineRule(rule="share", head="late-payment", basis_points=1000)
    account = owing(share)
    reprice(account, 700, BEFORE)
    account.fine(MIDNIGHT)
    assert account.fined == inr(70)


def test_what_goes_back_is_told_with_the_correction() -> None:
    account = owing(ONCE)
    pay(account, 1000, BEFORE, now=BEFORE)
    reprice(account, 700, datetime(2026, 4, 1, tzinfo=UTC))
    (told,) = [each for each in account.events if isinstance(each, FeeAdjusted)]
    assert (told.before, told.after, told.owed) == (inr(1000), inr(700), Money(-300, "INR"))
    assert [each.amount for each in account.payments[0].refunds] == [inr(300)]


def test_a_fee_that_costs_nothing_any_more_is_cleared() -> None:
    account = owing(ONCE)
    reprice(account, 0, BEFORE)
    assert (account.cleared, account.fine_at, account.owed) == (True, None, inr(0))


def test_a_demand_is_the_last_instalment_or_a_part_of_it() -> None:
    early, paid = test_instalments.owing(ONCE), test_instalments.owing(ONCE)
    pay(paid, 1000, BEFORE, now=BEFORE)

    reprice(early, 1300, test_instalments.BEGIN)
    reprice(paid, 1300, test_instalments.NEW_YEAR)

    assert [each.amount.minor for each in early.parts] == [500, 300, 500]
    assert [each.amount.minor for each in paid.parts] == [500, 300, 200, 300]
    assert (paid.parts[-1].pay_by, paid.parts[-1].owed) == (paid.pay_by, inr(300))
    assert paid.pay_by == test_instalments.NEW_YEAR + timedelta(days=15)


def test_a_lower_price_lowers_the_last_instalments_first() -> None:
    account = test_instalments.owing()

    reprice(account, 700, test_instalments.BEGIN)

    assert [(each.number, each.amount.minor) for each in account.parts] == [(1, 500), (2, 200), (3, 0)]
