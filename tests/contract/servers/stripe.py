"""The part of Stripe that the office uses: Checkout Sessions, their payments, refunds, and signed events."""

import json
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from stripe import WebhookSignature

from config.sections.gateways import Stripe
from config.sections.section import Secret
from core.payments.gateway import PaymentState
from core.payments.payer import SignedWebhook
from tests.contract.servers.gateway import FORMER_SECRET, SECRET, GatewayServer

KEY = "sk_test_0123456789abcdefghijklmn"
CHARGES = {
    PaymentState.AUTHORISED: {"status": "succeeded", "captured": False},
    PaymentState.CAPTURED: {"status": "succeeded", "captured": True},
    PaymentState.DECLINED: {"status": "failed", "captured": False},
}
INTENTS = {
    PaymentState.STARTED: "requires_action",
    PaymentState.AUTHORISED: "requires_capture",
    PaymentState.CAPTURED: "succeeded",
    PaymentState.DECLINED: "requires_payment_method",
}
EVENTS = {
    PaymentState.AUTHORISED: ("payment_intent.amount_capturable_updated", "charge.succeeded"),
    PaymentState.DECLINED: ("payment_intent.payment_failed", "charge.failed"),
    PaymentState.CAPTURED: ("payment_intent.succeeded", "charge.succeeded"),
}
SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 60 * 60


class LocalStripe(GatewayServer):
    path, account_path = r"/v1/{resource:(checkout|refunds|charges).*}", "/v1/balance"
    account: Mapping[str, object] = MappingProxyType({"object": "balance", "livemode": True})
    key = KEY
    refunds_settle = True
    page_size = 100

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[bytes, dict[str, Any], int]] = {}

    def settings(self) -> Mapping[str, Any]:
        section = Stripe(
            url=self.url,
            secret_key=Secret(self.key),
            webhook_secret=Secret(SECRET),
            secondary_webhook_secret=Secret(FORMER_SECRET),
        )
        return {"stripe": section}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        return request.headers.get("Authorization") == f"Bearer {KEY}"

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        key = request.headers["Idempotency-Key"]
        if key in self.answers:
            before, answer, status = self.answers[key]
            return web.json_response(answer, status=status) if before == body else fault(400, "idempotency_error")
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        open_session = request.path.endswith("/sessions")
        answer, status = self.open_session(form) if open_session else self.make_refund(form)
        self.answers[key] = body, answer, status
        return web.json_response(answer, status=status)

    def open_session(self, form: Mapping[str, str]) -> tuple[dict[str, Any], int]:
        ahead = int(form["expires_at"]) - time.time()
        if not SHORTEST_SECONDS <= ahead <= LONGEST_SECONDS or form["adaptive_pricing[enabled]"] != "false":
            return fault_body("invalid_request_error", "", "expires_at"), 400
        name = self.id("cs_test")
        self.sessions[name] = {
            "id": name,
            "object": "checkout.session",
            "client_reference_id": form["client_reference_id"],
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "payment_intent": None,
            "payment_status": "unpaid",
            "metadata": {"order": form["metadata[order]"]},
            "intent_metadata": {"order": form["payment_intent_data[metadata][order]"]},
            "url": f"https://checkout.stripe.com/c/pay/{name}",
        }
        return self.sessions[name], 200

    def make_refund(self, form: Mapping[str, str]) -> tuple[dict[str, Any], int]:
        intent = self.intents.get(form["payment_intent"])
        if intent is None:
            return fault_body("invalid_request_error", "resource_missing", "payment_intent"), 404
        taken = sum(each["amount"] for each in self.refunds_of(intent["id"]) if each["status"] != "failed")
        amount = int(form["amount"])
        if taken == intent["amount_received"]:
            return fault_body("invalid_request_error", "charge_already_refunded", ""), 400
        if taken + amount > intent["amount_received"]:
            return fault_body("invalid_request_error", "", "amount"), 400
        name = self.id("re")
        self.refunds[name] = {
            "id": name,
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "charge": intent["latest_charge"],
            "payment_intent": intent["id"],
            "metadata": {"refund": form["metadata[refund]"]},
            "status": "succeeded" if self.refunds_settle else "pending",
            "created": int(time.time()),
        }
        return self.refunds[name], 200

    def refunds_of(self, intent: str) -> list[dict[str, Any]]:
        return [each for each in reversed(self.refunds.values()) if each["payment_intent"] == intent]

    def listed(self, request: web.Request) -> web.Response:
        if request.path.startswith("/v1/refunds"):
            if request.query["payment_intent"] not in self.intents:
                return fault(404, "invalid_request_error", "resource_missing")
            rows = self.refunds_of(request.query["payment_intent"])
            names = [each["id"] for each in rows]
            first = names.index(request.query["starting_after"]) + 1 if "starting_after" in request.query else 0
            page = rows[first : first + self.page_size]
            more = len(rows) > first + self.page_size
            return web.json_response({"object": "list", "data": page, "has_more": more})
        session = self.sessions.get(request.path.rpartition("/")[2])
        if session is None:
            return fault(404, "invalid_request_error", "resource_missing")
        assert request.query.getall("expand[]") == ["payment_intent.latest_charge"]
        return web.json_response({**session, "payment_intent": self.expanded(session["payment_intent"])})

    def expanded(self, intent: str | None) -> dict[str, Any] | None:
        if intent is None:
            return None
        known = self.intents[intent]
        return {**known, "latest_charge": self.charges.get(known["latest_charge"])}

    def pay(self, gateway_order: str, *states: PaymentState) -> Sequence[SignedWebhook]:
        session = self.sessions[gateway_order]
        amount, currency = session["amount_total"], session["currency"]
        intent = self.intents.get(session["payment_intent"]) or {
            "id": self.id("pi"),
            "object": "payment_intent",
            "amount": amount,
            "amount_received": 0,
            "currency": currency,
            "metadata": session["intent_metadata"],
            "created": int(time.time()),
            "last_payment_error": None,
            "latest_charge": None,
        }
        self.intents[intent["id"]] = intent
        session["payment_intent"] = intent["id"]
        told: list[SignedWebhook] = []
        for state in states:
            told += self.enter(session, intent, state)
        return told

    def enter(self, session: dict[str, Any], intent: dict[str, Any], state: PaymentState) -> Sequence[SignedWebhook]:
        intent["status"] = INTENTS[state]
        if state is PaymentState.STARTED:
            return []
        before = self.charges.get(intent["latest_charge"] or "")
        if before is None or before["status"] == "failed":
            intent["latest_charge"] = self.id("ch")
        captured = state is PaymentState.CAPTURED
        charge = self.charges[intent["latest_charge"]] = {
            "id": intent["latest_charge"],
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "metadata": intent["metadata"],
            "created": before["created"] if before else int(time.time()),
            "payment_method_details": {"type": "card"},
            **CHARGES[state],
        }
        intent["last_payment_error"] = {"code": "card_declined"} if state is PaymentState.DECLINED else None
        intent["amount_received"] = intent["amount"] if captured else 0
        told = [self.event(kind, intent if kind.startswith("payment_") else charge) for kind in EVENTS[state]]
        if captured:
            if before and not before["captured"] and before["status"] == "succeeded":
                told.append(self.event("charge.captured", charge))
            session["payment_status"] = "paid"
            told.append(self.event("checkout.session.completed", session))
        return told

    def settle(self, refund: str, *, failed: bool = False) -> Sequence[SignedWebhook]:
        self.refunds[refund]["status"] = "failed" if failed else "succeeded"
        kinds = ("refund.failed", "refund.updated") if failed else ("refund.updated", "charge.refund.updated")
        return [self.event(kind, self.refunds[refund]) for kind in kinds]

    def dispute(self, payment: str, status: str) -> Sequence[SignedWebhook]:
        intent = self.intents[payment]
        told = {
            "id": f"du_{payment}",
            "object": "dispute",
            "amount": intent["amount_received"],
            "currency": intent["currency"],
            "charge": intent["latest_charge"],
            "payment_intent": payment,
            "status": status,
            "created": int(time.time()),
        }
        return [self.event("charge.dispute.closed" if status in ("won", "lost") else "charge.dispute.created", told)]

    def event(self, kind: str, told: Mapping[str, Any], secret: str = SECRET) -> SignedWebhook:
        event = {
            "id": self.id("evt"),
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": {key: value for key, value in told.items() if key != "intent_metadata"}},
        }
        body = json.dumps(event)
        signature = WebhookSignature.generate_signature_header(body, secret)
        return SignedWebhook(headers={"stripe-signature": signature}, body=body.encode())

    def signed_with(self, secret: str) -> SignedWebhook:
        return self.event("refund.created", {"object": "refund"}, secret)

    def throttled(self) -> web.Response:
        return web.json_response(
            fault_body("invalid_request_error", "rate_limit", ""), status=429, headers=self.delays()
        )

    def rejected(self) -> web.Response:
        return fault(400, "invalid_request_error", "amount_too_small")

    def denied(self) -> web.Response:
        return fault(401, "invalid_request_error")


def fault_body(kind: str, code: str, parameter: str) -> dict[str, Any]:
    told = (
        {"type": kind, "message": "no"} | ({"code": code} if code else {}) | ({"param": parameter} if parameter else {})
    )
    return {"error": told}


def fault(status: int, kind: str, code: str = "") -> web.Response:
    return web.json_response(fault_body(kind, code, ""), status=status)
