"""The contract of refunds, for every kind of persistence."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from config.container import Application
from core.kernel.authorization import Permission, Principal, acting_as
from core.kernel.errors import CoreError, Unavailable
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from core.kernel.vendor_errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.payments.errors import NotRefundable, RefundNotInDoubt, UnknownPayment, UnknownRefund, WrongCurrency
from core.payments.gateway import (
    GatewayPayment,
    GatewayRefund,
    OpenedOrder,
    OrderRequest,
    PaymentGateway,
    PlacedOrder,
    RefundRequest,
    RefundState,
)
from core.payments.gateway_reports import apply_refund
from core.payments.payment import Payment, RefundStage
from core.payments.refund_list import RefundSummary
from core.payments.refund_payment import RefundOrder
from core.payments.settle_refund import RefundVerdict
from core.payments.use_cases import PaymentsUseCases
from tests.contract.test_fee_accounts import a_payment, inr, opened, read, take
from tests.examples import NOON, StoppedClock, ids
from tests.integration.admission import http_app

OFFICER = Principal(subject="account:officer", permissions=frozenset(Permission))


@dataclass
class SmallGateway(PaymentGateway):
    """Remembers refunds by the office's id, and fails in the given order."""

    failures: list[Exception] = field(default_factory=list)
    given_back: dict[UUID, int] = field(default_factory=dict)
    loses_answers: bool = False
    """Whether a failing call has given the amount back before."""

    async def open(self, request: OrderRequest) -> OpenedOrder:
        raise NotImplementedError

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        return []

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        if self.failures and not self.loses_answers:
            raise self.failures.pop(0)
        self.given_back.setdefault(request.refund, request.amount.minor)
        if self.failures:
            raise self.failures.pop(0)
        return self._told(request)

    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        if self.failures:
            raise self.failures.pop(0)
        return self._told(request) if request.refund in self.given_back else None

    def _told(self, request: RefundRequest) -> GatewayRefund:
        return GatewayRefund(
            refund=request.refund,
            id=f"r-{request.refund}",
            payment=request.payment,
            state=RefundState.REFUNDED,
            amount=request.amount,
            at=NOON,
        )


class Desk:
    """A paid fee, its gateway, and a clock."""

    def __init__(self, stored: Application, fee: UUID, payment: Payment) -> None:
        self.stored, self.fee, self.paid = stored, fee, payment
        self.gateway, self.clock = SmallGateway(), StoppedClock(NOON)
        self.use_cases: PaymentsUseCases = stored.use_cases().payments
        self.refund_payment = replace(self.use_cases.refund_payment, clock=self.clock)
        self.check_gateways = replace(
            self.use_cases.check_gateways, gateways={"sandbox": self.gateway}, clock=self.clock
        )

    async def refund(self, minor: int) -> RefundSummary:
        order, request = RefundOrder(amount=inr(minor), why="the paper was cancelled"), RequestContext(arrived=NOON)
        with acting_as(OFFICER):
            return await self.refund_payment(self.paid.id, order, request)

    async def check(self, after: timedelta = timedelta(0)) -> None:
        self.clock.pass_by(after)
        while await self.check_gateways():
            pass

    async def stage(self, refund: UUID) -> RefundStage:
        found = (await read(self.stored, self.fee)).payment(self.paid.id).refund(refund)
        assert found is not None
        stage: RefundStage = found.stage
        return stage


@pytest.fixture
async def desk(stored: Application) -> Desk:
    fee = await opened(stored)
    payment = a_payment(50_000, f"p-{fee}")
    await take(stored, fee, payment)
    return Desk(stored, fee, payment)


async def test_a_refund_is_reserved_asked_for_and_settled(desk: Desk) -> None:
    refund = await desk.refund(20_000)
    assert (refund.stage, (await read(desk.stored, desk.fee)).owed) == (RefundStage.RESERVED, inr(0))

    await desk.check()

    account = await read(desk.stored, desk.fee)
    assert (await desk.stage(refund.refund), account.owed, account.cleared) == (
        RefundStage.SETTLED,
        inr(20_000),
        False,
    )
    assert desk.gateway.given_back == {refund.refund: 20_000}


async def test_a_payment_is_refunded_within_what_is_left_in_its_currency(desk: Desk) -> None:
    await desk.refund(30_000)

    for minor in (20_001, 0, -1):
        with pytest.raises(NotRefundable):
            await desk.refund(minor)
    with pytest.raises(WrongCurrency):
        order = RefundOrder(amount=Money(1, "USD"), why="x")
        await desk.use_cases.refund_payment(desk.paid.id, order, RequestContext(arrived=NOON))
    with pytest.raises(UnknownPayment):
        order = RefundOrder(amount=inr(1), why="x")
        await desk.use_cases.refund_payment(ids.new(), order, RequestContext(arrived=NOON))
    await desk.refund(20_000)


async def test_parallel_refunds_never_exceed_the_payment(desk: Desk) -> None:
    """Five hundred on MySQL; on the stores of one writer, which take them one after the other, a hundred."""
    requests = 500 if desk.stored.settings().adapters.persistence == "mysql" else 100
    app = http_app(desk.stored)
    transport = httpx.ASGITransport(app)

    async def refund(client: httpx.AsyncClient, number: int) -> int:
        for _ in range(200):
            answer = await client.post(
                f"/v1/payments/{desk.paid.id}/refunds",
                json={"amount": {"minor": 700, "currency": "INR"}, "why": "the paper was cancelled"},
                headers={"Idempotency-Key": f"{desk.fee}-{number}"},
            )
            if answer.status_code != 503 and "urn:bursar:problem:conflict" not in answer.text:
                return answer.status_code
        raise AssertionError(answer.text)

    async with httpx.AsyncClient(transport=transport, base_url="http://bursar", timeout=120) as client:
        statuses = await asyncio.gather(*(refund(client, number) for number in range(requests)))

    assert (statuses.count(201), statuses.count(409)) == (71, requests - 71)  # 71 × 700 ≤ 50000
    await desk.check(timedelta(days=1000))  # the use case behind HTTP has another clock
    assert sum(desk.gateway.given_back.values()) == 71 * 700
    assert (await read(desk.stored, desk.fee)).payment(desk.paid.id).received == inr(50_000 - 71 * 700)


async def test_a_webhook_that_is_faster_than_the_answer_settles_once(desk: Desk) -> None:
    refund = await desk.refund(20_000)
    desk.gateway.loses_answers, desk.gateway.failures = True, [OutcomeUnknown("no answer")]
    answered = desk.gateway.refund

    async def slow(request: RefundRequest) -> GatewayRefund:
        told = SmallGateway._told(desk.gateway, request)
        async with desk.stored.payments.new_work() as work:
            account = (await work.accounts.lock([desk.fee]))[desk.fee]
            apply_refund(account, "sandbox", told, NOON)
            work.accounts.save(account)
            work.record(*account.events)
            await work.commit()
        return await answered(request)

    desk.gateway.refund = slow  # type: ignore[method-assign]
    await desk.check()
    await desk.check(timedelta(days=1))

    assert await desk.stage(refund.refund) is RefundStage.SETTLED
    assert (await read(desk.stored, desk.fee)).owed == inr(20_000)


async def test_only_a_definite_no_releases_and_age_never_does(desk: Desk) -> None:
    refund = await desk.refund(50_000)
    desk.gateway.failures = [VendorUnavailable("down"), OutcomeUnknown("no answer"), VendorUnavailable("down")]
    for _ in range(3):
        await desk.check(timedelta(days=400))
        with pytest.raises(NotRefundable):
            await desk.refund(1)
    desk.gateway.failures = [Rejected("the card is closed")]

    await desk.check(timedelta(days=400))

    assert (await desk.stage(refund.refund), desk.gateway.given_back) == (RefundStage.RELEASED, {})
    await desk.refund(50_000)


async def test_a_lost_answer_gives_nothing_back_twice(desk: Desk) -> None:
    refund = await desk.refund(20_000)
    desk.gateway.loses_answers, desk.gateway.failures = True, [OutcomeUnknown("no answer")]
    await desk.check()
    assert await desk.stage(refund.refund) is RefundStage.UNKNOWN

    await desk.check(timedelta(days=1))

    assert await desk.stage(refund.refund) is RefundStage.SETTLED
    assert desk.gateway.given_back == {refund.refund: 20_000}


@pytest.mark.parametrize(
    ("verdict", "stage", "owed"),
    [
        (RefundVerdict.REFUNDED, RefundStage.SETTLED, 20_000),
        (RefundVerdict.NOT_REFUNDED, RefundStage.RELEASED, 0),
    ],
)
async def test_a_person_settles_what_stays_unknown(
    desk: Desk, verdict: RefundVerdict, stage: RefundStage, owed: int
) -> None:
    refund = await desk.refund(20_000)
    with pytest.raises(RefundNotInDoubt):
        await desk.use_cases.settle_refund(refund.refund, verdict, "on the statement")
    desk.gateway.failures = [OutcomeUnknown("no answer")]
    await desk.check()
    assert refund.refund in {each.refund for each in await unknown(desk)}

    settled = await desk.use_cases.settle_refund(refund.refund, verdict, "on the statement")

    assert (settled.stage, (await read(desk.stored, desk.fee)).owed) == (stage, inr(owed))
    with pytest.raises(RefundNotInDoubt):
        await desk.use_cases.settle_refund(refund.refund, verdict, "on the statement")
    with pytest.raises(RefundNotInDoubt):
        await desk.use_cases.pay_out_refund(refund.refund)
    await desk.check(timedelta(days=1))
    assert desk.gateway.given_back == {}


async def unknown(desk: Desk) -> Sequence[RefundSummary]:
    """Return all unknown refunds, page by page."""
    found, after = list[RefundSummary](), None
    while True:
        page = await desk.use_cases.list_refunds(RefundStage.UNKNOWN, after, 1)
        found += page.items
        if page.next is None:
            return found
        after = page.next


async def test_an_unknown_refund_is_not_settled(desk: Desk) -> None:
    with pytest.raises(UnknownRefund):
        await desk.use_cases.settle_refund(ids.new(), RefundVerdict.REFUNDED, "on the statement")


async def test_parallel_refunds_in_the_core_never_exceed_the_payment(desk: Desk) -> None:
    async def retried() -> RefundSummary:
        for _ in range(100):
            try:
                return await desk.refund(20_000)
            except NotRefundable:
                raise
            except (Unavailable, CoreError):
                continue
        raise AssertionError("the refund was never decided")

    outcomes = await asyncio.gather(*(retried() for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(each, RefundSummary) for each in outcomes) == 2
    assert sum(isinstance(each, NotRefundable) for each in outcomes) == 18
