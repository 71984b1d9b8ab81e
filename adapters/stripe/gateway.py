"""Collects through Stripe's Checkout Sessions."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from adapters.gateway_answers import MAX_LIST_BYTES, effect, known_ids, of_reading, understood
from adapters.stripe.amounts import to_stripe
from adapters.stripe.answers import refused
from adapters.stripe.objects import payment_of_intent, refund_of
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.kernel.vendor_errors import VendorUnavailable
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

API_VERSION = "2025-04-30.basil"
"""The form of the answers; webhooks have the version of their endpoint."""
PAGE_SIZE, MAX_PAGES = 100, 10


def headers_of(secret_key: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Authorization": f"Bearer {secret_key}", "Stripe-Version": API_VERSION}


class StripeGateway(PaymentGateway):
    """One Checkout Session for an order; the ids of the office are idempotency keys and metadata."""

    def __init__(self, *, url: str, secret_key: str, timeout: float = 30.0) -> None:
        self._api = VendorHttpClient("stripe", url, timeout)
        self._headers = headers_of(secret_key)

    async def open(self, request: OrderRequest) -> OpenedOrder:
        form = {
            "mode": "payment",
            "client_reference_id": str(request.order),
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": request.amount.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(to_stripe(request.amount)),
            "line_items[0][price_data][product_data][name]": request.reference,
            "metadata[order]": str(request.order),
            "payment_intent_data[metadata][order]": str(request.order),
            "adaptive_pricing[enabled]": "false",  # the payer pays the amount of the order in its currency
            "expires_at": str(int(request.expires_at.timestamp())),
            "success_url": request.return_url,
            "cancel_url": request.return_url,
        }
        return effect(opened_of, await self._post("/v1/checkout/sessions", form, request.order))

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        expansion = urlencode({"expand[]": "payment_intent.latest_charge"})
        with known_ids():
            session = await self._get(f"/v1/checkout/sessions/{quote(order.gateway_order, safe='')}?{expansion}")
        intent = session.get("payment_intent")
        return [understood(payment_of_intent, intent)] if isinstance(intent, dict) else []

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        # Stripe forgets idempotency keys after a day; the list of refunds it keeps.
        if known := await self._find(request):
            return known
        form = {
            "payment_intent": request.payment,
            "amount": str(to_stripe(request.amount)),
            "metadata[refund]": str(request.refund),
        }
        refund = await self._post("/v1/refunds", form, request.refund)
        return effect(refund_of, refund)

    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        with known_ids():
            return await self._find(request)

    async def close(self) -> None:
        """Close the connections to Stripe."""
        await self._api.close()

    async def _find(self, request: RefundRequest) -> GatewayRefund | None:
        query = {"payment_intent": request.payment, "limit": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            page = await self._get(f"/v1/refunds?{urlencode(query)}")
            refunds = [understood(refund_of, each) for each in page.get("data") or []]
            if found := [each for each in refunds if each.refund == request.refund]:
                return found[0]
            if not page.get("has_more") or not refunds:
                return None
            query["starting_after"] = refunds[-1].id
        raise VendorUnavailable(f"stripe has more than {PAGE_SIZE * MAX_PAGES} refunds of this payment")

    async def _post(self, path: str, form: Mapping[str, str], key: UUID) -> Mapping[str, Any]:
        headers = self._headers | {
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": str(key),
        }
        answer = await self._api.post(path, urlencode(form).encode(), headers, MAX_LIST_BYTES)
        if not is_object(answer):
            raise refused(answer)
        return answer.fields

    async def _get(self, path: str) -> Mapping[str, Any]:
        answer = await self._api.get(path, self._headers, MAX_LIST_BYTES)
        if not is_object(answer):
            raise of_reading(refused(answer))
        return answer.fields


def opened_of(session: Mapping[str, Any]) -> OpenedOrder:
    """Return the order of a new session."""
    return OpenedOrder(gateway_order=session["id"], checkout=Checkout(url=session["url"]))


def is_object(answer: VendorResponse) -> bool:
    """Tell whether an answer is the object that was asked for."""
    return answer.status == 200 and isinstance(answer.fields.get("object"), str)
