"""The webhooks of the simulated gateway, signed as Standard Webhooks are.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from adapters.sandbox.payment_book import PaymentBook, money_of, payment_of
from adapters.webhook_signatures import check_age, check_signature, json_object, sha256_mac
from core.kernel.errors import Invalid
from core.kernel.vendor_errors import ForgedReport
from core.payments.gateway import (
    ChargebackReported,
    GatewayRefund,
    GatewayReport,
    GatewayWebhooks,
    PaymentReported,
    RefundReported,
    RefundState,
)
from core.payments.payer import SignedWebhook


class SandboxWebhooks(GatewayWebhooks):
    """Signs and judges with the secrets of the settings; without one, with the secret of the book."""

    def __init__(self, book: PaymentBook, webhook_secret: str = "", secondary_webhook_secret: str = "") -> None:
        self._book = book
        self._secrets = [secret for secret in (webhook_secret, secondary_webhook_secret) if secret]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = [each.partition(",") for each in headers.get("webhook-signature", "").split()]
        valid = [signature(key_of(secret), name, moment, body) for secret in self._keys()]
        check_signature(valid, [each.encode() for version, _, each in given if version == "v1"], "the sandbox")
        check_age(moment, now)
        if not name:
            raise ForgedReport("the webhook has no id")
        return name

    def sign(self, kind: str, data: Mapping[str, Any], at: datetime) -> SignedWebhook:
        """Return a webhook as it is sent at a moment."""
        body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data}, ensure_ascii=False).encode()
        name, moment = f"msg_{uuid4().hex}", str(int(at.timestamp()))
        signed = signature(key_of(self._keys()[0]), name, moment, body).decode()
        headers = {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": f"v1,{signed}"}
        return SignedWebhook(headers=headers | {"content-type": "application/json"}, body=body)

    def read(self, body: bytes) -> Sequence[GatewayReport]:
        told = json_object(body)
        try:
            report = report_of(str(told["type"]), told["data"])
        except (LookupError, TypeError, ValueError) as error:
            raise Invalid(f"a webhook of the sandbox lacks {error}") from error
        return [report] if report else []

    def _keys(self) -> Sequence[str]:
        if self._secrets:
            return self._secrets
        with self._book.turn():
            return [self._book.secret()]


def key_of(secret: str) -> bytes:
    """Return the key of a secret in its usual form, `whsec_` and Base64."""
    return b64decode(secret.removeprefix("whsec_"))


def signature(key: bytes, name: str, moment: str, body: bytes) -> bytes:
    """Return the signature of a webhook in Base64."""
    return b64encode(sha256_mac(key, f"{name}.{moment}.".encode() + body))


def report_of(kind: str, data: Mapping[str, Any]) -> GatewayReport | None:
    """Return what a webhook tells; None for another kind."""
    if kind.startswith("payment.") or kind == "order.paid":
        order = UUID(data["order"])
        return PaymentReported(order=order, gateway_order=data["gateway_order"], payment=payment_of(data))
    at = datetime.fromisoformat(data["at"])
    if kind.startswith("refund."):
        return RefundReported(
            refund=GatewayRefund(
                refund=UUID(data["refund"]),
                id=data["id"],
                payment=data["payment"],
                state=RefundState(data["state"]),
                amount=money_of(data),
                at=at,
            )
        )
    if kind.startswith("chargeback."):
        return ChargebackReported(payment=data["payment"], chargeback=data["id"], amount=money_of(data), at=at)
    return None
