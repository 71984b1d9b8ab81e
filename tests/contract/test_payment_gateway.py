"""The contract of `PaymentGateway`, for every gateway, alone and inside the resilience chain."""

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.resilience.gateway import ResilientGateway
from adapters.sandbox.gateway import SandboxGateway
from adapters.sandbox.payer import SandboxPayer
from adapters.sandbox.payment_book import PaymentBook
from adapters.sandbox.webhooks import SandboxWebhooks
from adapters.stripe.amounts import from_stripe, to_stripe
from config.sections.vendors import Resilience
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.money import Money
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable
from core.payments.errors import UnknownPayment
from core.payments.gateway import GatewayPayment, PaymentState, PlacedOrder, RefundState
from core.payments.payer import PayerOutcome
from tests.contract.gateways import (
    AUTHORISED,
    CAPTURED,
    DECLINED,
    FEE,
    NAMES,
    SERVERS,
    Stage,
    a_refund,
    a_stage,
    an_order,
    placed,
    staged,
)
from tests.contract.servers.local_vendor import VendorBehaviour

REMOTE = sorted(SERVERS)
Ask = Callable[[Stage], Awaitable[Any]]


@pytest.fixture(params=[False, True], ids=["alone", "in the chain"])
def in_chain(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=NAMES)
async def stage(request: pytest.FixtureRequest, tmp_path: Path, in_chain: bool) -> AsyncIterator[Stage]:
    async with staged(request.param, tmp_path, in_chain=in_chain) as opened:
        yield opened


@pytest.fixture(params=REMOTE)
async def remote(request: pytest.FixtureRequest, tmp_path: Path, in_chain: bool) -> AsyncIterator[Stage]:
    resilience = Resilience(max_attempts=3, deadline_seconds=5, retry_base_seconds=0)
    async with staged(request.param, tmp_path, resilience, in_chain) as opened:
        yield opened


@pytest.fixture(params=REMOTE)
async def impatient(request: pytest.FixtureRequest, tmp_path: Path, in_chain: bool) -> AsyncIterator[Stage]:
    async with staged(request.param, tmp_path, Resilience(max_attempts=3, deadline_seconds=0.5), in_chain) as opened:
        yield opened


def test_every_remote_gateway_has_a_local_server() -> None:
    assert [name for name in NAMES if name != "sandbox"] == REMOTE


async def test_an_opened_order_is_unpaid_and_leads_the_payer_to_a_page(stage: Stage) -> None:
    request = an_order()
    opened = await stage.gateway.open(request)

    assert opened.gateway_order
    assert opened.checkout.url
    assert await stage.gateway.payments(placed(request, opened)) == []


async def test_an_order_that_is_opened_again_is_the_same_order(stage: Stage) -> None:
    request = an_order()
    assert await stage.gateway.open(request) == await stage.gateway.open(request)
    assert (await stage.gateway.open(an_order())) != await stage.gateway.open(request)


async def test_an_order_is_not_opened_again_over_another_amount(stage: Stage) -> None:
    request = an_order()
    await stage.gateway.open(request)
    with pytest.raises((Rejected, OutcomeUnknown)):
        await stage.gateway.open(an_order(order=request.order, amount=FEE + FEE))


async def test_a_captured_payment_is_listed_with_amount_and_time(stage: Stage) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    request, opened, name = await stage.paid()
    (payment,) = await stage.gateway.payments(placed(request, opened))

    assert (payment.id, payment.state, payment.amount) == (name, CAPTURED, FEE)
    assert before < payment.at <= datetime.now(UTC)
    assert payment.method in ("card", "upi")


async def test_a_declined_payment_is_listed_as_declined_and_may_be_followed_by_another(stage: Stage) -> None:
    request = an_order()
    opened = await stage.gateway.open(request)
    await stage.pay(opened, DECLINED)
    assert [each.state for each in await stage.gateway.payments(placed(request, opened))] == [DECLINED]

    await stage.pay(opened, CAPTURED)
    states = [each.state for each in await stage.gateway.payments(placed(request, opened))]
    assert states.count(CAPTURED) == 1


@pytest.mark.parametrize("state", [PaymentState.STARTED, AUTHORISED])
async def test_a_payment_under_way_is_neither_captured_nor_declined(remote: Stage, state: PaymentState) -> None:
    request = an_order()
    opened = await remote.gateway.open(request)
    await remote.pay(opened, state)
    assert [each.state for each in await remote.gateway.payments(placed(request, opened))] == [state]


async def test_a_declined_payment_that_is_authorised_late_is_captured(remote: Stage) -> None:
    request = an_order()
    opened = await remote.gateway.open(request)
    await remote.pay(opened, DECLINED, AUTHORISED, CAPTURED)
    assert [each.state for each in await remote.gateway.payments(placed(request, opened))] == [CAPTURED]


async def test_parts_are_refunded_until_nothing_is_left(stage: Stage) -> None:
    request, opened, payment = await stage.paid()
    first = a_refund(payment, 100_000)
    refunded = await stage.gateway.refund(first)
    assert (refunded.refund, refunded.payment, refunded.state) == (first.refund, payment, RefundState.REFUNDED)
    assert refunded.amount == first.amount

    with pytest.raises(Rejected):
        await stage.gateway.refund(a_refund(payment, 50_001))
    await stage.gateway.refund(a_refund(payment, 50_000))
    with pytest.raises(Rejected):
        await stage.gateway.refund(a_refund(payment, 1))
    assert [each.state for each in await stage.gateway.payments(placed(request, opened))] == [CAPTURED]


async def test_a_repeated_refund_gives_nothing_back_again(stage: Stage) -> None:
    _, _, payment = await stage.paid()
    request = a_refund(payment, 50_000)
    once = await stage.gateway.refund(request)
    if stage.name == "stripe":  # a day later
        stage.server.answers.clear()  # type: ignore[union-attr]

    assert await stage.gateway.refund(request) == once == await stage.gateway.refund_status(request)
    await stage.gateway.refund(a_refund(payment, 100_000))  # nothing but the first is gone


async def test_a_refund_that_no_gateway_has_is_none(stage: Stage) -> None:
    _, _, payment = await stage.paid()
    await stage.gateway.refund(a_refund(payment, 50_000))
    assert await stage.gateway.refund_status(a_refund(payment, 50_000)) is None


async def test_a_payment_that_the_gateway_does_not_know_is_not_refunded(stage: Stage) -> None:
    await stage.paid()
    with pytest.raises(Rejected):
        await stage.gateway.refund(a_refund("pi_of_another_account"))


async def test_another_account_proves_nothing_about_a_refund(remote: Stage) -> None:
    """A definite no would release the amount, which the former account may have given back."""
    with pytest.raises(VendorUnavailable):
        await remote.gateway.refund_status(a_refund("pi_of_another_account"))
    with pytest.raises(VendorUnavailable):
        await remote.gateway.payments(PlacedOrder(order=an_order().order, gateway_order="of another account"))


@pytest.mark.parametrize("failed", [False, True])
async def test_a_pending_refund_comes_to_its_end(remote: Stage, failed: bool) -> None:
    _, _, payment = await remote.paid()
    remote.server.refunds_settle = False  # type: ignore[union-attr]
    request = a_refund(payment)
    pending = await remote.gateway.refund(request)
    assert pending.state is RefundState.PENDING
    remote.server.settle(pending.id, failed=failed)  # type: ignore[union-attr]

    settled = await remote.gateway.refund_status(request)
    assert settled is not None
    assert settled.state is (RefundState.REFUSED if failed else RefundState.REFUNDED)


async def test_a_refund_behind_a_page_of_others_is_found(remote: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(remote.server), "page_size", 2, raising=False)
    monkeypatch.setattr("adapters.razorpay.gateway.PAGE_SIZE", 2)
    _, _, payment = await remote.paid()
    refunds = [a_refund(payment, 100) for _ in range(5)]
    for each in refunds:
        await remote.gateway.refund(each)

    first = await remote.gateway.refund_status(refunds[0])
    assert first is not None
    assert first.refund == refunds[0].refund
    assert await remote.gateway.refund_status(a_refund(payment)) is None


# -- answers that prove something, and answers that prove nothing


async def opening(stage: Stage) -> Any:
    return await stage.gateway.open(an_order())


async def refunding(stage: Stage) -> Any:
    names = {"stripe": "intents", "razorpay": "payments"}
    return await stage.gateway.refund(a_refund(next(iter(getattr(stage.server, names[stage.name])))))


effects = pytest.mark.parametrize("ask", [opening, refunding], ids=["open", "refund"])


async def asked(stage: Stage, behaviour: VendorBehaviour, ask: Ask, error: type[Exception]) -> int:
    """Return how often the gateway was asked for an effect while it behaved like this."""
    await stage.paid()
    assert stage.server is not None
    stage.server.behaviour, before = behaviour, stage.server.sent
    with pytest.raises(error):
        await ask(stage)
    return stage.server.sent - before


@effects
async def test_a_definite_no_is_rejected_once(remote: Stage, ask: Ask) -> None:
    assert await asked(remote, VendorBehaviour.REJECT, ask, Rejected) == 1


@effects
async def test_a_throttled_request_had_no_effect_and_waits_as_long_as_it_is_told(remote: Stage, ask: Ask) -> None:
    assert await asked(remote, VendorBehaviour.THROTTLE, ask, VendorUnavailable) == 1


@effects
async def test_a_throttled_request_is_tried_again_inside_the_chain(remote: Stage, ask: Ask) -> None:
    remote.server.retry_after = "0"  # type: ignore[union-attr]
    tries = 3 if remote.in_chain else 1
    assert await asked(remote, VendorBehaviour.THROTTLE, ask, VendorUnavailable) == tries


@effects
async def test_a_wrong_key_is_our_fault(remote: Stage, ask: Ask) -> None:
    assert await asked(remote, VendorBehaviour.DENY_US, ask, AccountFault) == 1


@effects
@pytest.mark.parametrize(
    "behaviour",
    [
        VendorBehaviour.BREAK,
        VendorBehaviour.HANG_UP,
        VendorBehaviour.BABBLE,
        VendorBehaviour.TAKE_AND_BREAK,
    ],
)
async def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(
    remote: Stage, ask: Ask, behaviour: VendorBehaviour
) -> None:
    assert await asked(remote, behaviour, ask, OutcomeUnknown) == 1


@effects
async def test_a_gateway_that_does_not_answer_leaves_the_outcome_unknown(impatient: Stage, ask: Ask) -> None:
    assert await asked(impatient, VendorBehaviour.FALL_SILENT, ask, OutcomeUnknown) == 1


async def test_a_gateway_that_does_not_answer_a_question_is_unavailable(impatient: Stage) -> None:
    request, opened, _ = await impatient.paid()
    assert impatient.server is not None
    impatient.server.behaviour, impatient.server.reads_fail = VendorBehaviour.FALL_SILENT, True
    with pytest.raises(VendorUnavailable):
        await impatient.gateway.payments(placed(request, opened))


async def test_a_refund_whose_answer_was_lost_is_found_and_not_made_again(remote: Stage) -> None:
    _, _, payment = await remote.paid()
    assert remote.server is not None
    remote.server.behaviour, request = VendorBehaviour.TAKE_AND_BREAK, a_refund(payment)
    with pytest.raises(OutcomeUnknown):
        await remote.gateway.refund(request)

    await asyncio.sleep(0)
    remote.server.behaviour = VendorBehaviour.ACCEPT
    fresh = a_stage(remote.name, Path(), remote.server, in_chain=False).gateway
    found = await fresh.refund_status(request)
    assert found is not None
    assert (found.state, await fresh.refund(request)) == (RefundState.REFUNDED, found)
    await fresh.close()  # type: ignore[attr-defined]


async def test_an_order_whose_answer_was_lost_is_opened_once(remote: Stage) -> None:
    assert remote.server is not None
    remote.server.retry_after = None
    remote.server.behaviour, request = VendorBehaviour.TAKE_AND_BREAK, an_order()
    with pytest.raises(OutcomeUnknown):
        await remote.gateway.open(request)
    remote.server.behaviour = VendorBehaviour.ACCEPT

    opened = await remote.gateway.open(request)
    made = {"stripe": "sessions", "razorpay": "orders"}
    assert list(getattr(remote.server, made[remote.name])) == [opened.gateway_order]


@pytest.mark.parametrize("behaviour", [VendorBehaviour.BREAK, VendorBehaviour.HANG_UP, VendorBehaviour.BABBLE])
async def test_a_list_that_cannot_be_read_is_unavailable(remote: Stage, behaviour: VendorBehaviour) -> None:
    request, opened, payment = await remote.paid()
    assert remote.server is not None
    remote.server.behaviour, remote.server.reads_fail = behaviour, True
    with pytest.raises(VendorUnavailable):
        await remote.gateway.payments(placed(request, opened))
    with pytest.raises(VendorUnavailable):
        await remote.gateway.refund_status(a_refund(payment))
    assert remote.server.sent == 1


async def test_a_gateway_that_is_not_there_is_unavailable(remote: Stage) -> None:
    await remote.server.stop()  # type: ignore[union-attr]
    with pytest.raises(VendorUnavailable):
        await remote.gateway.open(an_order())
    await remote.server.start()  # type: ignore[union-attr]


def stripe_error(status: int, **told: str) -> web.Response:
    return web.json_response({"error": {"type": "invalid_request_error"} | told}, status=status)


def razorpay_error(status: int, description: str, code: str = "BAD_REQUEST_ERROR") -> web.Response:
    return web.json_response({"error": {"code": code, "description": description}}, status=status)


@pytest.mark.parametrize(
    ("name", "answer", "error"),
    [
        ("stripe", stripe_error(409, code="idempotency_key_in_use"), OutcomeUnknown),
        ("stripe", stripe_error(400, type="idempotency_error"), OutcomeUnknown),
        ("stripe", stripe_error(424), OutcomeUnknown),
        ("stripe", stripe_error(400, code="balance_insufficient"), VendorUnavailable),
        ("stripe", stripe_error(429, code="lock_timeout"), VendorUnavailable),
        ("stripe", stripe_error(403), AccountFault),
        ("stripe", stripe_error(401, code="api_key_expired"), AccountFault),
        ("stripe", stripe_error(402, type="card_error", code="charge_disputed"), Rejected),
        ("stripe", web.Response(status=403, text="<html>a proxy"), AccountFault),
        ("razorpay", razorpay_error(409, "Request is being processed"), OutcomeUnknown),
        ("razorpay", razorpay_error(502, "down", "GATEWAY_ERROR"), OutcomeUnknown),
        ("razorpay", razorpay_error(400, "failed at the bank", "GATEWAY_ERROR"), OutcomeUnknown),
        ("razorpay", razorpay_error(400, "Your account does not have enough balance to carry out"), VendorUnavailable),
        ("razorpay", razorpay_error(401, "The api key provided is invalid"), AccountFault),
        ("razorpay", razorpay_error(400, "Refund is not supported by the bank"), Rejected),
    ],
)
async def test_only_an_error_of_the_request_itself_is_final(
    name: str, answer: web.Response, error: type[Exception], tmp_path: Path
) -> None:
    async with staged(name, tmp_path, in_chain=False) as stage:
        _, _, payment = await stage.paid()
        assert stage.server is not None
        stage.server.answer = answer
        with pytest.raises(error) as raised:
            await stage.gateway.refund(a_refund(payment))
        assert type(raised.value) is error


# -- amounts


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(150_000, "INR"), 150_000),
        (Money(500, "JPY"), 500),
        (Money(500, "UGX"), 50_000),
        (Money(5_120, "KWD"), 5_120),
        (Money(12_300, "MGA"), 123),
    ],
)
def test_stripe_takes_amounts_in_its_own_units(amount: Money, units: int) -> None:
    assert to_stripe(amount) == units
    assert from_stripe(units, amount.currency.lower()) == amount


@pytest.mark.parametrize("amount", [Money(5_124, "KWD"), Money(12_345, "CLF"), Money(0, "INR"), Money(-1, "INR")])
async def test_an_amount_that_cannot_be_expressed_is_rejected_before_a_call(remote: Stage, amount: Money) -> None:
    with pytest.raises(Rejected):
        await remote.gateway.open(an_order(amount=amount))
    assert remote.server is not None
    assert remote.server.calls == 0


async def test_half_an_ariary_is_rejected_by_stripe_alone() -> None:
    with pytest.raises(Rejected):
        to_stripe(Money(12_350, "MGA"))


# -- what each of them is sent


async def test_razorpays_page_is_a_form_for_the_order(tmp_path: Path) -> None:
    async with staged("razorpay", tmp_path) as stage:
        opened = await stage.gateway.open(an_order())
    assert opened.checkout.url.endswith("/v1/checkout/embedded")
    assert opened.checkout.fields["order_id"] == opened.gateway_order
    assert opened.checkout.fields["callback_url"] == "https://fees.example.org/paid"
    assert not any("notes" in name for name in opened.checkout.fields)


# -- probes


@pytest.mark.parametrize(("name", "setting"), [("stripe", "secret_key"), ("razorpay", "key_secret")])
async def test_wrong_and_empty_keys_are_found_without_an_order(name: str, setting: str, tmp_path: Path) -> None:
    async with staged(name, tmp_path) as stage:
        assert stage.server is not None
        assert str(stage.server.port) in await stage.built.gateway_probes(name).check()
        for key in ("wrong", ""):
            stage.server.key = key  # type: ignore[attr-defined]
            probe = a_stage(name, tmp_path, stage.server).built.gateway_probes(name)
            with pytest.raises(Unavailable):
                await probe.check()
            assert setting in probe.remedy
    with pytest.raises(Unavailable):
        await stage.built.gateway_probes(name).check()
    assert stage.server.sent == 0


# -- the chain


async def test_one_breaker_guards_every_method_of_a_gateway(tmp_path: Path) -> None:
    resilience = Resilience(max_attempts=1, minimum_calls=4, deadline_seconds=5)
    async with staged("stripe", tmp_path, resilience) as stage:
        request, opened, _ = await stage.paid()
        assert stage.server is not None
        stage.server.behaviour = VendorBehaviour.BREAK
        for _ in range(2):  # half of the calls
            with pytest.raises(OutcomeUnknown):
                await stage.gateway.open(an_order())
        with pytest.raises(VendorUnavailable, match="not called"):
            await stage.gateway.payments(placed(request, opened))


class SilentGateway(SandboxGateway):
    """Never answers a question."""

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        await asyncio.Event().wait()
        return []


async def test_the_deadline_of_a_question_leaves_nothing_unknown(tmp_path: Path) -> None:
    limits = replace(a_stage("sandbox", tmp_path, None).built.policy(), deadline_seconds=0.01, max_attempts=1)
    book, clock = PaymentBook(str(tmp_path / "book")), StandingClock()
    guarded = ResilientGateway("sandbox", SilentGateway(book, clock), limits)
    with pytest.raises(VendorUnavailable, match="within"):
        await guarded.payments(PlacedOrder(order=an_order().order, gateway_order="order"))


async def test_a_refused_account_holds_every_call_back(tmp_path: Path) -> None:
    async with staged("razorpay", tmp_path) as stage:
        assert stage.server is not None
        stage.server.behaviour = VendorBehaviour.DENY_US
        with pytest.raises(AccountFault):
            await stage.gateway.open(an_order())
        calls = stage.server.calls
        with pytest.raises(VendorUnavailable, match="held back"):
            await stage.gateway.open(an_order())
        assert stage.server.calls == calls


# -- the sandbox


class StandingClock(Clock):
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Till:
    """The sandbox with a clock, as one of several processes sees it."""

    def __init__(self, path: Path, clock: StandingClock) -> None:
        book = PaymentBook(str(path))
        self.clock, self.gateway = clock, SandboxGateway(book, clock, "https://fees.example.org")
        self.webhooks = SandboxWebhooks(book)
        self.payer = SandboxPayer(book, self.webhooks, clock)


@pytest.mark.parametrize(
    ("outcome", "at_once", "later", "webhooks"),
    [
        (PayerOutcome.PAID, [CAPTURED], [CAPTURED], 2),
        (PayerOutcome.DECLINED, [DECLINED], [DECLINED], 1),
        (PayerOutcome.SLOW, [AUTHORISED], [CAPTURED], 3),
        (PayerOutcome.LOST_ANSWER, [CAPTURED], [CAPTURED], 0),
        (PayerOutcome.PAID_TWICE, [CAPTURED, CAPTURED], [CAPTURED, CAPTURED], 4),
        (PayerOutcome.LATE_AUTHORISATION, [DECLINED], [CAPTURED], 4),
    ],
)
async def test_a_tester_chooses_what_becomes_of_an_order(
    outcome: PayerOutcome,
    at_once: list[PaymentState],
    later: list[PaymentState],
    webhooks: int,
    tmp_path: Path,
) -> None:
    till, request = Till(tmp_path / "book", StandingClock()), an_order()
    opened = await till.gateway.open(request)
    told = await till.payer.pay(opened.gateway_order, outcome)
    assert [each.state for each in await till.gateway.payments(placed(request, opened))] == at_once
    assert len(told) == webhooks

    till.clock.time += timedelta(seconds=6)
    another_process = Till(tmp_path / "book", till.clock)
    assert [each.state for each in await another_process.gateway.payments(placed(request, opened))] == later
    for each in told:
        sent = StandingClock().time + each.after
        assert another_process.webhooks.verify(each.headers, each.body, sent) == each.headers["webhook-id"]


async def test_a_payer_may_pay_a_part_and_no_order_that_does_not_exist(tmp_path: Path) -> None:
    till, request = Till(tmp_path / "book", StandingClock()), an_order()
    opened = await till.gateway.open(request)
    assert opened.checkout.url == f"https://fees.example.org/sandbox/{opened.gateway_order}"
    assert await till.payer.amount(opened.gateway_order) == FEE
    await till.payer.pay(opened.gateway_order, PayerOutcome.PAID, Money(1, "INR"))
    (payment,) = await till.gateway.payments(placed(request, opened))
    assert payment.amount == Money(1, "INR")
    with pytest.raises(UnknownPayment):
        await till.payer.pay("order_unknown", PayerOutcome.PAID)


async def test_two_processes_give_back_no_more_than_was_paid(tmp_path: Path) -> None:
    tills = [Till(tmp_path / "book", StandingClock()) for _ in range(2)]
    request = an_order()
    opened = await tills[0].gateway.open(request)
    await tills[1].payer.pay(opened.gateway_order, PayerOutcome.PAID)
    (payment,) = await tills[0].gateway.payments(placed(request, opened))
    outcomes = await asyncio.gather(
        *[tills[each % 2].gateway.refund(a_refund(payment.id, 10_000)) for each in range(40)], return_exceptions=True
    )

    assert sum(not isinstance(each, Rejected) for each in outcomes) == 15
    lines = [json.loads(line) for line in (tmp_path / "book").read_text().splitlines()]
    assert sum(each["minor"] for each in lines if each["kind"] == "refund") == FEE.minor


async def test_a_process_waits_while_another_one_writes_the_book(tmp_path: Path) -> None:
    till = Till(tmp_path / "book", StandingClock())
    with (tmp_path / "book").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        opening = asyncio.ensure_future(till.gateway.open(an_order()))
        done, _ = await asyncio.wait([opening], timeout=0.1)
        assert not done
    assert (await opening).gateway_order


async def test_a_payment_that_a_bank_took_back_is_not_refunded(tmp_path: Path) -> None:
    till, request = Till(tmp_path / "book", StandingClock()), an_order()
    opened = await till.gateway.open(request)
    await till.payer.pay(opened.gateway_order, PayerOutcome.PAID)
    (payment,) = await till.gateway.payments(placed(request, opened))
    assert len(await till.payer.charge_back(payment.id)) == 1
    with pytest.raises(Rejected):
        await till.gateway.refund(a_refund(payment.id))
    with pytest.raises(UnknownPayment):
        await till.payer.charge_back(payment.id)


async def test_a_book_in_a_folder_that_does_not_exist_is_an_outage(tmp_path: Path) -> None:
    with pytest.raises(VendorUnavailable, match="book_path"):
        await Till(tmp_path / "missing" / "book", StandingClock()).gateway.open(an_order())
