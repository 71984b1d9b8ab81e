"""Any order of payments, refunds, fines, waivers, corrected tariffs and chargebacks, against a naive book."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from core.kernel.decisions import Choice, Decision, SamePerson
from core.kernel.errors import Conflict
from core.kernel.events import Event
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.payments.adjustment import Adjustment, AdjustmentState, HeadAmount, RepricedFee
from core.payments.decide_adjustments import decide
from core.payments.errors import AlreadyDecided, NotRefundable, WaivedTooMuch
from core.payments.events import FeeClearanceRevoked, FeeCleared
from core.payments.fee_balance import FeeStatus
from core.payments.fine import FineRule, FineTerms
from core.payments.gateway import (
    ChargebackReported,
    GatewayPayment,
    GatewayRefund,
    PaymentState,
    RefundState,
)
from core.payments.gateway_reports import apply_chargeback, apply_payment, apply_payments, apply_refund
from core.payments.instalment import Instalment
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderTerms, PaidPart, PaymentOrder
from core.payments.payment import OPEN, Refund, RefundCause, RefundStage, payment_id
from core.payments.propose_adjustments import propose
from core.payments.waiver import Waiver, WaiverState, WaiverVerdict
from core.policies.when_fee_account_changed import PostedEvent, transaction_of

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
GATEWAY = "sandbox"
AMOUNTS = st.integers(1, 400)
TERMS = FineTerms(
    version=1,
    zone="Asia/Kolkata",
    rules=(
        FineRule(rule="once", head="late-payment", basis_points=1000, of="balance"),
        FineRule(rule="day", head="late-payment", amount=30, per_day=True, grace_days=1, cap=70),
    ),
)


def inr(minor: int) -> Money:
    return Money(minor, "INR")


@dataclass
class NaiveBook:
    """What a child would write down: the last word of the gateway on each payment, refund and chargeback."""

    due: int
    captured: dict[str, int] = field(default_factory=dict)
    back: dict[UUID, int] = field(default_factory=dict)

    @property
    def owed(self) -> int:
        return self.due - sum(self.captured.values()) + sum(self.back.values())


class AccountMachine(RuleBasedStateMachine):
    """One fee account."""

    payments = Bundle("payments")
    refunds = Bundle("refunds")
    waivers = Bundle("waivers")

    def __init__(self) -> None:
        super().__init__()
        self.now, self.ids = NOON, iter(UUID(int=number) for number in range(1, 10**6))
        self.told: list[Event] = []
        self.deadlines: dict[int, datetime | None] = {}

    @initialize(shares=st.lists(st.integers(0, 3), max_size=4).filter(lambda shares: not shares or sum(shares) > 0))
    def charge(self, shares: Sequence[int]) -> None:
        """Charge a fee, of as many instalments as there are shares, each a day later."""
        parts = inr(500).split(shares) if shares else ()
        self.fee = ChargedFee(
            submission=next(self.ids), student=next(self.ids), reference="BF", schedule="S", total=inr(500),
            pay_by=NOON + timedelta(days=max(1, len(parts))), at=NOON, fine_terms=TERMS,
            instalments=tuple(
                Instalment(amount=part, pay_by=NOON + timedelta(days=day)) for day, part in enumerate(parts, start=1)
            ),
        )  # fmt: skip
        self.account, self.book = self.fee.account(), NaiveBook(500)
        self.tariff, self.adjustments = 1, list[Adjustment]()

    def order(self) -> PaymentOrder:
        """Return an order: the newest, or a new one if a payer may begin."""
        self.now += timedelta(minutes=1)
        try:
            order = self.account.open_order(next(self.ids), GATEWAY, self.now, OrderTerms())
            order.gateway_order = f"o-{order.id}"
        except Conflict:
            if not self.account.orders:
                raise
        return self.account.orders[-1]

    @rule(pays=st.sampled_from(PaidPart))
    def pay_what_is_asked(self, pays: PaidPart) -> None:
        """An order over all clears the fee."""
        self.now += timedelta(minutes=1)
        try:
            order = self.account.open_order(next(self.ids), GATEWAY, self.now, OrderTerms(), pays=pays)
        except Conflict:
            return
        order.gateway_order = f"o-{order.id}"
        due = order.amount.minor
        self.tell_payment(order, f"p-{next(self.ids).int}", due, PaymentState.CAPTURED)
        assert self.account.cleared or pays is PaidPart.DUE
        assert due > 0

    @rule(target=payments, amount=AMOUNTS, state=st.sampled_from(PaymentState))
    def pay(self, amount: int, state: PaymentState) -> str:
        try:
            order = self.order()
        except Conflict:
            return ""
        name = f"p-{next(self.ids).int}"
        self.tell_payment(order, name, amount, state)
        return name

    @rule(name=payments, amount=AMOUNTS, state=st.sampled_from(PaymentState), listed=st.booleans())
    def tell_again(self, name: str, amount: int, state: PaymentState, *, listed: bool) -> None:
        """The webhook, the return page and the reconciler tell one payment, also late and in another order."""
        if name and self.account.orders:
            known = self.book.captured.get(name, amount)
            self.tell_payment(self.account.orders[0], name, known, state, listed=listed)

    def tell_payment(
        self, order: PaymentOrder, name: str, amount: int, state: PaymentState, *, listed: bool = False
    ) -> None:
        told = GatewayPayment(id=name, state=state, amount=inr(amount), at=self.now)
        if listed:
            apply_payments(self.account, order, [told], self.now)
        else:
            apply_payment(self.account, order, told, self.now)
        if state is PaymentState.CAPTURED:
            self.book.captured.setdefault(name, amount)

    @rule(target=refunds, name=payments, amount=AMOUNTS)
    def decide_refund(self, name: str, amount: int) -> UUID | None:
        if name not in self.book.captured:
            return None
        payment = self.account.payment(payment_id(GATEWAY, name))
        refund = Refund(
            id=next(self.ids), amount=inr(amount), cause=RefundCause.DECISION, reserved_at=self.now, check_at=self.now
        )
        left = payment.refundable.minor
        try:
            self.account.reserve_refund(payment, refund, self.now)
        except NotRefundable:
            assert amount > left
            return None
        assert amount <= left
        return refund.id

    @rule(target=refunds, name=payments, amount=AMOUNTS)
    def refund_at_the_desk(self, name: str, amount: int) -> UUID | None:
        if name not in self.book.captured:
            return None
        refund = GatewayRefund(
            refund=next(self.ids), id=f"r-{next(self.ids).int}", payment=name, state=RefundState.PENDING,
            amount=inr(amount), at=self.now,
        )  # fmt: skip
        apply_refund(self.account, GATEWAY, refund, self.now)
        return next(each.id for each in self.all_refunds() if each.gateway_refund == refund.id)

    @rule(refund=refunds, state=st.sampled_from(RefundState))
    def tell_refund(self, refund: UUID | None, state: RefundState) -> None:
        if refund is not None:
            self.settle(refund, state)

    @rule(state=st.sampled_from(RefundState))
    def tell_surplus(self, state: RefundState) -> None:
        for each in [each.id for each in self.all_refunds() if each.cause is RefundCause.SURPLUS]:
            self.settle(each, state)

    def settle(self, refund: UUID, state: RefundState) -> None:
        payment, known = next(
            (payment, each) for payment in self.account.payments for each in payment.refunds if each.id == refund
        )
        final = known.stage is RefundStage.RELEASED
        told = GatewayRefund(
            refund=refund, id=f"r-{refund.int}", payment=payment.gateway_payment, state=state, amount=known.amount,
            at=self.now,
        )  # fmt: skip
        apply_refund(self.account, GATEWAY, told, self.now)
        if final:
            return
        if state is RefundState.REFUNDED:
            self.book.back[refund] = known.amount.minor
        elif state is RefundState.REFUSED:
            self.book.back.pop(refund, None)

    @rule(name=payments, amount=AMOUNTS, number=st.integers(0, 2), won=st.booleans())
    def charge_back(self, name: str, amount: int, number: int, *, won: bool) -> None:
        if name not in self.book.captured:
            return
        payment = self.account.payment(payment_id(GATEWAY, name))
        known = next((each for each in payment.refunds if each.gateway_refund == f"d-{name}-{number}"), None)
        amount = known.amount.minor if known else amount
        told = ChargebackReported(
            payment=name, chargeback=f"d-{name}-{number}", amount=inr(amount), at=self.now, won=won
        )
        lost_before = known is not None and known.stage is RefundStage.RELEASED
        apply_chargeback(self.account, GATEWAY, told, self.now)
        refund = next(each for each in payment.refunds if each.gateway_refund == told.chargeback)
        if won:
            self.book.back.pop(refund.id, None)
        elif not lost_before:
            self.book.back[refund.id] = amount

    @rule(days=st.integers(0, 3))
    def days_pass(self, days: int) -> None:
        """The job runs, twice at once, perhaps after a pause; a fee that is paid is never fined."""
        self.now += timedelta(days=days)
        owed = self.account.owed.minor
        self.account.fine(self.now)
        assert self.account.fine(self.now) == 0
        assert owed > 0 or self.account.owed.minor == owed

    @rule(target=waivers, amount=AMOUNTS, state=st.sampled_from([WaiverState.APPROVED, WaiverState.REFUSED]))
    def waive(self, amount: int, state: WaiverState) -> UUID:
        waiver = Waiver(
            id=next(self.ids), head="examination", amount=inr(amount), percent=None, reason="flood",
            requested_by="maker", requested_at=self.now,
        )  # fmt: skip
        self.account.waivers.append(waiver)
        due = self.account.due.minor
        try:
            self.account.decide_waiver(waiver, state, WaiverVerdict("checker", self.now, "seen"))
        except WaivedTooMuch:
            assert amount > due
        else:
            self.book.due -= amount if state is WaiverState.APPROVED else 0
        return waiver.id

    @rule(waiver=waivers)
    def retract(self, waiver: UUID) -> None:
        known = self.account.waiver(waiver)
        try:
            self.account.retract_waiver(known, WaiverVerdict("checker", self.now, "wrong candidate"))
        except AlreadyDecided:
            return
        self.book.due += known.amount.minor

    @rule(price=st.integers(0, 900), late_fee=st.integers(0, 100), off=st.integers(0, 100))
    def reprice(self, price: int, late_fee: int, off: int) -> None:
        """The tariff is corrected, perhaps before the last correction was decided."""
        self.tariff += 1
        heads = {"examination": price + off, "late-fee": late_fee, "concession": -off}
        fee = RepricedFee(
            submission=self.fee.submission, version=self.tariff, before=[HeadAmount("examination", inr(500))],
            after=[HeadAmount(head, inr(minor)) for head, minor in heads.items() if minor], asked_by="maker",
            at=self.now,
        )  # fmt: skip
        open_before = [each for each in self.adjustments if each.state is AdjustmentState.OPEN]
        propose(self.account, self.adjustments, fee)
        assert all(each.state is AdjustmentState.REPLACED for each in open_before)
        assert propose(self.account, self.adjustments, fee) == []

    @rule(choice=st.sampled_from(Choice), who=st.sampled_from(["maker", "checker"]))
    def decide_adjustment(self, choice: Choice, who: str) -> None:
        waiting = next((each for each in self.adjustments if each.state is AdjustmentState.OPEN), None)
        if waiting is None:
            return
        due, accounts = self.account.due.minor, {self.fee.submission: self.account}
        try:
            decide(accounts, waiting, choice, Decision(who=who, why="as resolved"), self.now)
        except SamePerson:
            assert who == "maker"
        except WaivedTooMuch:
            assert due + waiting.amount.minor < 0
        else:
            self.book.due += waiting.amount.minor if choice is Choice.APPROVE else 0

    @invariant()
    def one_adjustment_at_most_is_open(self) -> None:
        assert sum(each.state is AdjustmentState.OPEN for each in self.adjustments) <= 1

    @invariant()
    def the_price_is_what_was_approved_last(self) -> None:
        approved = [each for each in self.adjustments if each.state is AdjustmentState.APPROVED]
        assert self.account.charged == (approved[-1].before + approved[-1].amount if approved else inr(500))

    @invariant()
    def each_head_was_charged_its_last_approved_amount(self) -> None:
        income: dict[tuple[str, bool], int] = {("examination", False): 500}
        for each in self.adjustments:
            if each.state is AdjustmentState.APPROVED:
                income |= {(change.head, change.is_concession): change.after.minor for change in each.heads}
        assert sum(income.values()) == self.account.charged.minor

    def all_refunds(self) -> Sequence[Refund]:
        return [each for payment in self.account.payments for each in payment.refunds]

    @invariant()
    def the_account_is_the_story(self) -> None:
        owed = self.book.owed + self.account.fined.minor
        assert self.account.owed == inr(owed)
        assert self.account.cleared == (owed <= 0)
        assert (self.account.status is FeeStatus.PAID) == (owed <= 0)

    @invariant()
    def the_instalments_are_the_account(self) -> None:
        parts, nothing = self.account.parts, inr(0)
        assert sum((each.owed for each in parts), nothing) == max(self.account.owed, nothing)
        assert sum((each.amount for each in parts), nothing) == self.account.charged
        assert sum((each.fined for each in parts), nothing) == self.account.fined
        assert sum((each.waived for each in parts), nothing) == self.account.waived
        for earlier, later in pairwise(parts):
            assert later.paid <= nothing or earlier.owed == nothing
        for each in parts:
            assert min(each.owed, each.waived, each.fined, each.unpaid) >= nothing
            assert each.waived <= each.amount + each.fined

    @invariant()
    def nothing_is_due_less_than_nothing(self) -> None:
        assert self.account.due.minor >= 0

    @invariant()
    def the_ledger_is_the_story(self) -> None:
        candidate = LedgerAccount(AccountKind.CANDIDATE, str(self.fee.student))
        posted = {each.key: each for event in self.account.events if isinstance(event, PostedEvent)
                  for each in [transaction_of(event)]}  # fmt: skip
        moved = sum(each.effect_on(candidate).minor for each in posted.values())
        assert 500 + moved == self.book.owed + self.account.fined.minor

    @invariant()
    def fines_follow_their_rules(self) -> None:
        days = [(each.instalment, each.rule, each.day) for each in self.account.fines]
        assert len(days) == len(set(days)) == len({each.id for each in self.account.fines})
        for part in self.account.parts:
            own = [each for each in self.account.fines if each.instalment == part.number]
            assert sum(each.amount.minor for each in own if each.rule == "day" and not each.withdrawn_at) <= 70
            assert sum(each.rule == "once" for each in own) <= 1
            first = self.deadlines.setdefault(part.number, part.pay_by)  # a demand moves it
            assert all(first and each.since >= first for each in own)

    @invariant()
    def no_payment_is_promised_twice(self) -> None:
        for payment in self.account.payments:
            ours = [each for each in payment.refunds if each.cause in {RefundCause.DECISION, RefundCause.SURPLUS}]
            promised = sum(each.amount.minor for each in ours if each.stage in OPEN | {RefundStage.SETTLED})
            assert promised <= payment.amount.minor

    @invariant()
    def clearance_alternates(self) -> None:
        told = [type(each) for each in self.account.events if isinstance(each, FeeCleared | FeeClearanceRevoked)]
        assert told == [FeeCleared, FeeClearanceRevoked] * (len(told) // 2) + [FeeCleared] * (len(told) % 2)

    @invariant()
    def a_surplus_goes_back(self) -> None:
        if not any(each.refused_surplus for each in self.account.payments):
            assert self.account.surplus.minor == 0
