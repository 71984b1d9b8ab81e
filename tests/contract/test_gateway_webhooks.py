"""The contract of `GatewayWebhooks`, for every gateway; the vendors' own libraries judge the signatures."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import razorpay
import standardwebhooks
import stripe

from adapters.razorpay.webhooks import RazorpayWebhooks
from adapters.sandbox.payment_book import PaymentBook
from adapters.sandbox.webhooks import SandboxWebhooks
from adapters.stripe.webhooks import StripeWebhooks
from core.kernel.errors import Invalid
from core.kernel.vendor_errors import ForgedReport
from core.payments.gateway import ChargebackReported, PaymentReported, RefundReported, RefundState
from core.payments.payer import SignedWebhook
from tests.contract.gateways import (
    AUTHORISED,
    CAPTURED,
    DECLINED,
    FEE,
    NAMES,
    SERVERS,
    Stage,
    a_refund,
    an_order,
    placed,
    staged,
)
from tests.contract.servers.gateway import FORMER_SECRET, SECRET
from tests.contract.servers.stripe import LocalStripe

SIGNATURES = {
    "stripe": "stripe-signature",
    "razorpay": "x-razorpay-signature",
    "sandbox": "webhook-signature",
}
TIMED = ("sandbox", "stripe")
"""Razorpay signs no time."""


@pytest.fixture(params=NAMES)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=sorted(SERVERS))
async def remote(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(request.param, tmp_path) as opened:
        yield opened


async def a_webhook(stage: Stage) -> SignedWebhook:
    """Return the first webhook of a captured payment."""
    opened = await stage.gateway.open(an_order())
    return (await stage.pay(opened, CAPTURED))[0]


async def test_every_webhook_of_a_payment_tells_one_fact(stage: Stage) -> None:
    request = an_order()
    opened = await stage.gateway.open(request)
    told = stage.told(await stage.pay(opened, CAPTURED))
    (listed,) = await stage.gateway.payments(placed(request, opened))

    assert len(told) >= 2
    for each in told:
        assert isinstance(each, PaymentReported)
        assert (each.payment.id, each.payment.state, each.payment.amount) == (listed.id, CAPTURED, FEE)
        assert abs(each.payment.at - listed.at) <= timedelta(seconds=1)
        assert each.order == request.order or (each.order is None and each.gateway_order == opened.gateway_order)


async def test_a_declined_payment_is_told_as_declined(stage: Stage) -> None:
    opened = await stage.gateway.open(an_order())
    for each in stage.told(await stage.pay(opened, DECLINED)):
        assert isinstance(each, PaymentReported)
        assert each.payment.state is DECLINED


async def test_the_states_of_a_payment_are_told_in_their_order(remote: Stage) -> None:
    opened = await remote.gateway.open(an_order())
    told = remote.told(await remote.pay(opened, DECLINED, AUTHORISED, CAPTURED))
    states = [each.payment.state for each in told if isinstance(each, PaymentReported)]
    assert sorted(states, key=[DECLINED, AUTHORISED, CAPTURED].index) == states
    assert set(states) == {DECLINED, AUTHORISED, CAPTURED}


@pytest.mark.parametrize("failed", [False, True])
async def test_a_refund_is_told_with_the_offices_id(remote: Stage, failed: bool) -> None:
    _, _, payment = await remote.paid()
    assert remote.server is not None
    remote.server.refunds_settle = False  # type: ignore[attr-defined]
    request = a_refund(payment, 50_000)
    pending = await remote.gateway.refund(request)

    for each in remote.told(remote.server.settle(pending.id, failed=failed)):
        assert isinstance(each, RefundReported)
        assert (each.refund.refund, each.refund.id, each.refund.payment) == (request.refund, pending.id, payment)
        assert each.refund.state is (RefundState.REFUSED if failed else RefundState.REFUNDED)
        assert each.refund.amount == request.amount


async def test_the_sandbox_tells_of_refunds_and_chargebacks(tmp_path: Path) -> None:
    async with staged("sandbox", tmp_path) as stage:
        _, _, payment = await stage.paid()
        request = a_refund(payment, 50_000)
        refunded = await stage.gateway.refund(request)
        payer = stage.built.payer()
        told = stage.told(await payer.refunded(request.refund))
        assert told == [RefundReported(refund=refunded)] * 2
        (lost,) = stage.told(await payer.charge_back(payment))
        assert isinstance(lost, ChargebackReported)
        assert (lost.payment, lost.amount, lost.won) == (payment, FEE, False)


@pytest.mark.parametrize(
    ("name", "status", "won"),
    [
        ("stripe", "needs_response", False),
        ("stripe", "lost", False),
        ("stripe", "won", True),
        ("stripe", "warning_needs_response", None),
        ("razorpay", "open", None),
        ("razorpay", "lost", False),
        ("razorpay", "won", True),
    ],
)
async def test_a_dispute_is_told_when_money_moves(name: str, status: str, won: bool | None, tmp_path: Path) -> None:
    async with staged(name, tmp_path) as stage:
        _, _, payment = await stage.paid()
        assert stage.server is not None
        told = stage.told(stage.server.dispute(payment, status))
    assert [isinstance(each, ChargebackReported) and each.won for each in told] == ([] if won is None else [won])
    for each in told:
        assert isinstance(each, ChargebackReported)
        assert (each.payment, each.amount) == (payment, FEE)


async def test_of_a_dispute_that_is_lost_in_part_the_deducted_amount_is_told(tmp_path: Path) -> None:
    async with staged("razorpay", tmp_path) as stage:
        _, _, payment = await stage.paid()
        assert stage.server is not None
        body = stage.server.dispute(payment, "lost")[0].body
        (told,) = stage.webhooks.read(body.replace(b'"amount_deducted": 150000', b'"amount_deducted": 50000'))
    assert isinstance(told, ChargebackReported)
    assert told.amount.minor == 50_000


# -- signatures


@pytest.mark.parametrize("change", ["body", "signature", "no signature", "no headers"])
async def test_a_forged_webhook_is_refused(stage: Stage, change: str) -> None:
    webhook = await a_webhook(stage)
    name = SIGNATURES[stage.name]
    signature = webhook.headers[name]
    last = "A" if signature[-2] != "A" else "B"
    forged = {
        "body": replace(webhook, body=webhook.body.replace(b"150000", b"150001")),
        "signature": replace(webhook, headers={**webhook.headers, name: signature[:-2] + last + signature[-1]}),
        "no signature": replace(webhook, headers={**webhook.headers, name: ""}),
        "no headers": replace(webhook, headers={}),
    }[change]
    assert forged != webhook
    with pytest.raises(ForgedReport):
        stage.webhooks.verify(forged.headers, forged.body, datetime.now(UTC))


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_webhook_of_another_time_is_refused_where_the_time_is_signed(stage: Stage, minutes: int) -> None:
    webhook, now = await a_webhook(stage), datetime.now(UTC) + timedelta(minutes=minutes)
    if stage.name not in TIMED:
        assert stage.webhooks.verify(webhook.headers, webhook.body, now)
        return
    with pytest.raises(ForgedReport):
        stage.webhooks.verify(webhook.headers, webhook.body, now)
    assert stage.webhooks.verify(webhook.headers, webhook.body, datetime.now(UTC) + timedelta(minutes=minutes * 4 / 6))


async def test_the_time_of_a_signature_cannot_be_moved(stage: Stage) -> None:
    webhook, later = await a_webhook(stage), datetime.now(UTC) + timedelta(hours=1)
    moved = str(int(later.timestamp()))
    headers = {
        "stripe": {"stripe-signature": f"t={moved},{webhook.headers.get('stripe-signature', '').partition(',')[2]}"},
        "sandbox": {**webhook.headers, "webhook-timestamp": moved},
    }
    if stage.name in headers:
        with pytest.raises(ForgedReport):
            stage.webhooks.verify(headers[stage.name], webhook.body, later)


async def test_while_secrets_are_rotated_both_are_valid_and_no_third(remote: Stage) -> None:
    server, now = remote.server, datetime.now(UTC)

    assert server is not None
    for secret in (SECRET, FORMER_SECRET):
        webhook = server.signed_with(secret)
        assert remote.webhooks.verify(webhook.headers, webhook.body, now)
    webhook = server.signed_with("whsec_another")
    with pytest.raises(ForgedReport):
        remote.webhooks.verify(webhook.headers, webhook.body, now)


@pytest.mark.parametrize("name", sorted(SERVERS))
async def test_without_a_secret_every_webhook_is_forged(name: str) -> None:
    kind: Any = {"stripe": StripeWebhooks, "razorpay": RazorpayWebhooks}[name]
    signed = SERVERS[name]().signed_with("")
    with pytest.raises(ForgedReport):
        kind(webhook_secrets=["", ""]).verify(signed.headers, signed.body, datetime.now(UTC))


async def test_a_repeated_webhook_has_the_same_id(stage: Stage) -> None:
    webhook = await a_webhook(stage)
    another = await a_webhook(stage)
    ids = [stage.webhooks.verify(each.headers, each.body, datetime.now(UTC)) for each in (webhook, webhook, another)]
    assert ids[0] == ids[1] != ids[2]


async def test_the_libraries_of_the_vendors_agree_about_signatures(stage: Stage) -> None:
    webhook = await a_webhook(stage)
    tampered = webhook.body.replace(b"150000", b"150001")
    if stage.name == "stripe":
        header = webhook.headers["stripe-signature"]
        stripe.WebhookSignature.verify_header(webhook.body, header, SECRET, 300)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(tampered, header, SECRET, 300)
    elif stage.name == "razorpay":
        client = razorpay.Client(auth=("id", "secret"))
        signature = webhook.headers["x-razorpay-signature"]
        client.utility.verify_webhook_signature(webhook.body.decode(), signature, SECRET)
        with pytest.raises(razorpay.errors.SignatureVerificationError):
            client.utility.verify_webhook_signature(tampered.decode(), signature, SECRET)
    else:
        book = stage.built.book()
        with book.turn():
            judge = standardwebhooks.Webhook(book.secret())
        judge.verify(webhook.body, dict(webhook.headers))
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            judge.verify(tampered, dict(webhook.headers))


def test_the_sandbox_accepts_what_standard_webhooks_signs(tmp_path: Path) -> None:
    secrets = ["whsec_" + "QUJD" * 11, "whsec_" + "REVG" * 11]
    ours = SandboxWebhooks(PaymentBook(str(tmp_path / "book")), *secrets)
    now, body = datetime.now(UTC), '{"type": "order.paid"}'
    for secret in secrets:
        signature = standardwebhooks.Webhook(secret).sign("msg_1", now, body)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": f"v1a,AAAA v1,AAAA {signature}",
        }
        assert ours.verify(headers, body.encode(), now) == "msg_1"


# -- bodies


async def test_what_is_about_something_else_tells_nothing(stage: Stage) -> None:
    bodies = {
        "stripe": [
            {"type": "customer.created", "created": 1, "data": {"object": {"object": "customer"}}},
            {"type": "checkout.session.expired", "created": 1, "data": {"object": {"object": "checkout.session"}}},
            {
                "type": "checkout.session.completed",  # of a payment link: the browser writes the reference
                "created": 1,
                "data": {
                    "object": {
                        "object": "checkout.session",
                        "id": "cs_1",
                        "client_reference_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                        "payment_status": "paid",
                        "payment_intent": "pi_1",
                        "amount_total": 5,
                        "currency": "inr",
                        "metadata": {},
                    }
                },
            },
            {
                "type": "payment_intent.succeeded",
                "created": 1,
                "data": {
                    "object": {
                        "object": "payment_intent",
                        "id": "pi_1",
                        "status": "succeeded",
                        "amount_received": 5,
                        "currency": "inr",
                        "metadata": {"order": "of another shop"},
                    }
                },
            },
        ],
        "razorpay": [
            {"event": "invoice.paid", "created_at": 1, "payload": {"invoice": {"entity": {}}}},
            {"event": "payment.captured", "created_at": 1, "payload": {"payment": {"entity": {"order_id": None}}}},
        ],
        "sandbox": [{"type": "weather.changed", "data": {"at": "2026-03-01T10:00:00+00:00"}}],
    }
    for body in bodies[stage.name]:
        assert stage.webhooks.read(json.dumps(body).encode()) == []


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b'{"type": 1, "event": 2, "data": [], "payload": []}', b"[" * 100_000]
)
async def test_a_body_of_another_form_is_invalid(stage: Stage, body: bytes) -> None:
    with pytest.raises(Invalid):
        stage.webhooks.read(body)


@pytest.mark.parametrize(
    ("key", "value"),
    [("amount", "150000"), ("currency", 5), ("created", "now"), ("created_at", None), ("minor", 1.5), ("at", "soon")],
)
async def test_a_field_of_another_type_is_invalid_and_no_crash(stage: Stage, key: str, value: object) -> None:
    _, _, payment = await stage.paid()
    request = a_refund(payment)
    refund = await stage.gateway.refund(request)
    if stage.server:
        webhook = stage.server.settle(refund.id)[0]
    else:
        webhook = (await stage.built.payer().refunded(request.refund))[0]
    document = json.loads(webhook.body)
    told = document.get("data") or document["payload"]["refund"]
    told = told.get("object") or told.get("entity") or told
    if key in told:
        told[key] = value
        with pytest.raises(Invalid):
            stage.webhooks.read(json.dumps(document).encode())


async def test_stripe_tells_old_refunds_inside_the_charge(tmp_path: Path) -> None:
    async with staged("stripe", tmp_path) as stage:
        _, _, payment = await stage.paid()
        server = stage.server
        assert isinstance(server, LocalStripe)
        refund = await stage.gateway.refund(a_refund(payment))
        charge = next(iter(server.charges.values()))
        inside = {**charge, "refunds": {"object": "list", "data": [server.refunds[refund.id]]}}
        told = stage.told([server.event("charge.refunded", inside)])
    assert [type(each) for each in told] == [PaymentReported, RefundReported]
