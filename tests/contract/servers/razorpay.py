"""The part of Razorpay that the office uses: orders, their payments, refunds, and signed events."""

import hmac
import json
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from aiohttp import web

from config.sections.gateways import Razorpay
from config.sections.section import Secret
from core.payments.gateway import PaymentState
from core.payments.payer import SignedWebhook
from tests.contract.servers.gateway import FORMER_SECRET, SECRET, GatewayServer

KEY_ID, KEY = "rzp_live_0123456789abcd", "a key secret"
STATUSES = {
    PaymentState.STARTED: "created",
    PaymentState.AUTHORISED: "authorized",
    PaymentState.CAPTURED: "captured",
    PaymentState.DECLINED: "failed",
}


class LocalRazorpay(GatewayServer):
    path, account_path = r"/v1/{resource:(orders|payments).+|orders}", "/v1/never"
    account: Mapping[str, object] = MappingProxyType({})
    key = KEY
    refunds_settle = True

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[bytes, web.Response]] = {}

    def settings(self) -> Mapping[str, Any]:
        section = Razorpay(
            url=self.url,
            key_id=KEY_ID,
            key_secret=Secret(self.key),
            webhook_secret=Secret(SECRET),
            secondary_webhook_secret=Secret(FORMER_SECRET),
        )
        return {"razorpay": section}

    def authentic(self, request: web.Request, body: bytes) -> bool:
        scheme, _, words = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Basic" and b64decode(words).decode() == f"{KEY_ID}:{KEY}"

    def accepted(self, request: web.Request, body: bytes) -> web.Response:
        told = json.loads(body)
        if request.path == "/v1/orders":
            name = self.id("order")
            self.orders[name] = {
                "id": name,
                "entity": "order",
                "amount": told["amount"],
                "currency": told["currency"],
                "receipt": told["receipt"],
                "notes": told["notes"],
                "status": "created",
                "created_at": int(time.time()),
            }
            assert len(told["receipt"]) <= 40
            return web.json_response(self.orders[name])
        return self.make_refund(request.path.split("/")[3], told, request.headers["X-Refund-Idempotency"])

    def make_refund(self, name: str, told: Mapping[str, Any], key: str) -> web.Response:
        assert len(key) >= 10
        payment = self.payments.get(name)
        if payment is None or payment["status"] not in ("captured", "refunded"):
            return fault(400, "The payment status should be captured for action to be taken")
        taken = sum(each["amount"] for each in self.refunds_of(name) if each["status"] != "failed")
        if taken == payment["amount"]:
            return fault(400, "The payment has been fully refunded already")
        if taken + told["amount"] > payment["amount"]:
            return fault(400, "The total refund amount is greater than the refund payment amount")
        refund = {
            "id": self.id("rfnd"),
            "entity": "refund",
            "amount": told["amount"],
            "currency": payment["currency"],
            "payment_id": name,
            "notes": [],
            "receipt": told["receipt"],
            "status": "processed" if self.refunds_settle else "pending",
            "created_at": int(time.time()),
        }
        self.refunds[refund["id"]] = refund
        payment["status"] = "refunded" if taken + told["amount"] == payment["amount"] else "captured"
        return web.json_response(refund)

    def refunds_of(self, payment: str) -> list[dict[str, Any]]:
        return [each for each in reversed(self.refunds.values()) if each["payment_id"] == payment]

    def listed(self, request: web.Request) -> web.Response:
        parts = request.path.split("/")
        if request.path == "/v1/orders":
            wanted = request.query.get("receipt")
            return self.collection([each for each in self.orders.values() if wanted in (None, each["receipt"])])
        if parts[2] == "orders" and parts[3] in self.orders:
            return self.collection([each for each in self.payments.values() if each["order_id"] == parts[3]])
        if parts[2] == "payments" and parts[3] in self.payments:
            skip, size = int(request.query["skip"]), int(request.query["count"])
            return self.collection(self.refunds_of(parts[3])[skip : skip + size])
        return fault(400, "The id provided does not exist")

    def collection(self, rows: Sequence[dict[str, Any]]) -> web.Response:
        return web.json_response({"entity": "collection", "count": len(rows), "items": rows})

    def pay(self, gateway_order: str, *states: PaymentState) -> Sequence[SignedWebhook]:
        order = self.orders[gateway_order]
        payment = {
            "id": self.id("pay"),
            "entity": "payment",
            "amount": order["amount"],
            "currency": order["currency"],
            "order_id": gateway_order,
            "method": "upi",
            "notes": {"order": str(UUID(int=1))},  # the browser of the payer writes them
            "created_at": int(time.time()),
        }
        self.payments[str(payment["id"])] = payment
        told: list[SignedWebhook] = []
        for state in states:
            payment["status"] = STATUSES[state]
            if state is not PaymentState.STARTED:
                told.append(self.event(f"payment.{STATUSES[state]}", payment=payment))
            if state is PaymentState.CAPTURED:
                told.append(self.event("order.paid", payment=payment, order=order))
        return told

    def settle(self, refund: str, *, failed: bool = False) -> Sequence[SignedWebhook]:
        known = self.refunds[refund]
        known["status"] = "failed" if failed else "processed"
        return [self.event(f"refund.{known['status']}", refund=known, payment=self.payments[known["payment_id"]])]

    def dispute(self, payment: str, status: str) -> Sequence[SignedWebhook]:
        paid = self.payments[payment]
        told = {
            "id": f"disp_{payment}",
            "entity": "dispute",
            "payment_id": payment,
            "amount": paid["amount"],
            "currency": paid["currency"],
            "amount_deducted": paid["amount"] if status == "lost" else 0,
            "status": status,
            "created_at": int(time.time()),
        }
        kind = "created" if status == "open" else status
        return [self.event(f"payment.dispute.{kind}", dispute=told, payment=paid)]

    def event(self, kind: str, secret: str = SECRET, **entities: Mapping[str, Any]) -> SignedWebhook:
        event = {
            "entity": "event",
            "event": kind,
            "contains": list(entities),
            "payload": {name: {"entity": each} for name, each in entities.items()},
            "created_at": int(time.time()),
        }
        body = json.dumps(event).encode()
        signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
        headers = {"x-razorpay-signature": signature, "x-razorpay-event-id": self.id("evt")}
        return SignedWebhook(headers=headers, body=body)

    def signed_with(self, secret: str) -> SignedWebhook:
        return self.event("refund.created", secret)

    def throttled(self) -> web.Response:
        return fault(429, "Request failed. Please try after sometime.", headers=self.delays())

    def rejected(self) -> web.Response:
        return fault(400, "The amount must be at least INR 1.00")

    def denied(self) -> web.Response:
        return fault(401, "Authentication failed")


def fault(status: int, said: str, code: str = "BAD_REQUEST_ERROR", headers: Any = None) -> web.Response:
    told = {"code": code, "description": said, "source": "NA", "step": "NA", "reason": "NA", "metadata": {}}
    return web.json_response({"error": told}, status=status, headers=headers)
