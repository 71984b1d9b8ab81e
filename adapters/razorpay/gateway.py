"""Collects through Razorpay's orders and its hosted checkout.

https://razorpay.com/docs/payments/payment-gateway/web-integration/hosted/integration-steps
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from adapters.gateway_answers import MAX_LIST_BYTES, check_expressible, effect, known_ids, of_reading, understood
from adapters.razorpay.answers import refused
from adapters.razorpay.entities import amount_of, payment_of, refund_of
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.kernel.vendor_errors import Rejected, VendorUnavailable
from core.payments.gateway import (
    Checkout,
    GatewayPayment,
    GatewayRefund,
    OpenedOrder,
    OrderRequest,
    PaymentGateway,
    PlacedOrder,
    RefundRequest,
)

PAGE_SIZE, MAX_PAGES = 100, 10


def headers_of(key_id: str, key_secret: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Authorization": "Basic " + b64encode(f"{key_id}:{key_secret}".encode()).decode()}


class RazorpayGateway(PaymentGateway):
    """The ids of the office are receipts, by which Razorpay's lists are searched before anything is made."""

    def __init__(self, *, url: str, key_id: str, key_secret: str, timeout: float = 30.0) -> None:
        self._api = VendorHttpClient("razorpay", url, timeout)
        self._key_id, self._headers = key_id, headers_of(key_id, key_secret)

    async def open(self, request: OrderRequest) -> OpenedOrder:
        check_expressible(request.amount, "razorpay")
        order = str(request.order)
        listed = await self._get(f"/v1/orders?{urlencode({'receipt': order})}", "collection")
        known = [each for each in listed["items"] if each.get("receipt") == order]
        opened = known[0] if known else await self._create(request)
        if effect(amount_of, opened) != request.amount:
            raise Rejected("razorpay has this order with another amount")
        gateway_order = str(opened["id"])
        fields = {"key_id": self._key_id, "order_id": gateway_order, "description": request.reference}
        if request.return_url:
            fields |= {"callback_url": request.return_url, "cancel_url": request.return_url}
        page = self._api.address("/v1/checkout/embedded")
        return OpenedOrder(gateway_order=gateway_order, checkout=Checkout(url=page, fields=fields))

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        # The list is whole: of an order's payments Razorpay makes no pages.
        with known_ids():
            listed = await self._get(f"/v1/orders/{quote(order.gateway_order, safe='')}/payments", "collection")
        return [understood(payment_of, each) for each in listed["items"]]

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        check_expressible(request.amount, "razorpay")
        if known := await self._find(request):
            return known
        body = {"amount": request.amount.minor, "receipt": str(request.refund)}
        path = f"/v1/payments/{quote(request.payment, safe='')}/refund"
        # https://razorpay.com/docs/api/refunds/normal-refunds-idempotent
        refund = await self._post(path, body, "refund", {"X-Refund-Idempotency": str(request.refund)})
        return effect(refund_of, refund)

    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        with known_ids():
            return await self._find(request)

    async def close(self) -> None:
        """Close the connections to Razorpay."""
        await self._api.close()

    async def _find(self, request: RefundRequest) -> GatewayRefund | None:
        path = f"/v1/payments/{quote(request.payment, safe='')}/refunds"
        for page in range(MAX_PAGES):
            query = urlencode({"count": PAGE_SIZE, "skip": page * PAGE_SIZE})
            listed = (await self._get(f"{path}?{query}", "collection"))["items"]
            refunds = [understood(refund_of, each) for each in listed]
            if found := [each for each in refunds if each.refund == request.refund]:
                return found[0]
            if len(refunds) < PAGE_SIZE:
                return None
        raise VendorUnavailable(f"razorpay has more than {PAGE_SIZE * MAX_PAGES} refunds of this payment")

    async def _create(self, request: OrderRequest) -> Mapping[str, Any]:
        body = {
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "receipt": str(request.order),
            "notes": {"reference": request.reference},
            "payment_capture": True,
        }
        return await self._post("/v1/orders", body, "order", {})

    async def _post(
        self, path: str, body: Mapping[str, Any], entity: str, more: Mapping[str, str]
    ) -> Mapping[str, Any]:
        headers = {**self._headers, "Content-Type": "application/json", **more}
        answer = await self._api.post(path, json.dumps(body).encode(), headers)
        if not is_entity(answer, entity):
            raise refused(answer)
        return answer.fields

    async def _get(self, path: str, entity: str) -> Mapping[str, Any]:
        answer = await self._api.get(path, self._headers, MAX_LIST_BYTES)
        if not is_entity(answer, entity) or not isinstance(answer.fields.get("items"), list):
            raise of_reading(refused(answer))
        return answer.fields


def is_entity(answer: VendorResponse, entity: str) -> bool:
    """Tell whether an answer is the entity that was asked for."""
    return answer.status == 200 and answer.fields.get("entity") == entity
