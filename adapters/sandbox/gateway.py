"""A simulated payment gateway."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from adapters.sandbox.payment_book import PaymentBook, money_of
from core.kernel.clock import Clock
from core.kernel.money import Money
from core.kernel.vendor_errors import Rejected
from core.payments.gateway import (
    Checkout,
    GatewayPayment,
    GatewayRefund,
    OpenedOrder,
    OrderRequest,
    PaymentGateway,
    PlacedOrder,
    RefundRequest,
    RefundState,
)


class SandboxGateway(PaymentGateway):
    """Keeps its book in a file, and refunds at once; `SandboxPayer` is who pays."""

    def __init__(self, book: PaymentBook, clock: Clock, public_url: str = "") -> None:
        self._book, self._clock = book, clock
        self._page = f"{public_url.rstrip('/')}/sandbox"

    async def open(self, request: OrderRequest) -> OpenedOrder:
        return await asyncio.to_thread(self._open, request)

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        return await asyncio.to_thread(self._payments, order)

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        return await asyncio.to_thread(self._refund, request)

    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        return await asyncio.to_thread(self._refund_status, request)

    def _open(self, request: OrderRequest) -> OpenedOrder:
        if request.amount <= Money.zero(request.amount.currency):
            raise Rejected("sandbox: the amount of an order is positive")
        name = f"order_{request.order.hex}"
        with self._book.turn():
            known = self._book.order(name)
            if known and money_of(known) != request.amount:
                raise Rejected("sandbox: the order exists with another amount")
            if not known:
                self._book.append(
                    {
                        "kind": "order",
                        "id": name,
                        "order": str(request.order),
                        "reference": request.reference,
                        "minor": request.amount.minor,
                        "currency": request.amount.currency,
                        "return_url": request.return_url,
                        "at": self._clock.now().isoformat(),
                        "expires_at": request.expires_at.isoformat(),
                    }
                )
        return OpenedOrder(gateway_order=name, checkout=Checkout(url=f"{self._page}/{name}"))

    def _payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        with self._book.turn():
            return self._book.payments(order.gateway_order, self._clock.now())

    def _refund(self, request: RefundRequest) -> GatewayRefund:
        now = self._clock.now()
        with self._book.turn():
            if known := self._book.refund(request.refund):
                if (known.payment, known.amount) != (request.payment, request.amount):
                    raise Rejected("sandbox: the refund exists with another payment or amount")
                return known
            payment = self._book.captured(request.payment, now)
            if payment is None:
                raise Rejected("sandbox: no captured payment has this id")
            zero = Money.zero(payment.amount.currency)
            left = payment.amount - sum((each.amount for each in self._book.refunds_of(payment.id)), start=zero)
            if request.amount.currency != zero.currency or not zero < request.amount <= left:
                raise Rejected("sandbox: the payment has less left than the refund asks for")
            refund = {
                "kind": "refund",
                "id": f"rfnd_{uuid4().hex}",
                "refund": str(request.refund),
                "payment": payment.id,
                "state": RefundState.REFUNDED.value,
                "minor": request.amount.minor,
                "currency": request.amount.currency,
                "at": now.isoformat(),
            }
            self._book.append(refund)
            refunded = self._book.refund(request.refund)
            assert refunded is not None  # noqa: S101 - it was appended
            return refunded

    def _refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        with self._book.turn():
            return self._book.refund(request.refund)
