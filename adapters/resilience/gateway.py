"""The resilience chain in front of a payment gateway."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from adapters.resilience.calls import Caller
from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.retrying import Sleep
from adapters.resilience.sliding_window import MonotonicClock
from adapters.resilience.vendor import guarded
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.payments.gateway import (
    GatewayPayment,
    GatewayRefund,
    OpenedOrder,
    OrderRequest,
    PaymentGateway,
    PlacedOrder,
    RefundRequest,
)

T = TypeVar("T")
GatewayCall = Callable[[], Awaitable[Any]]
CHANNEL = "payments"


class Performing(Caller[GatewayCall, Any]):
    """Makes a call of any method."""

    async def send(self, request: GatewayCall) -> Any:
        return await request()


class ResilientGateway(PaymentGateway):
    """Guards every method by one breaker; what only reads is unavailable where its outcome would be unknown."""

    def __init__(
        self,
        name: str,
        inner: PaymentGateway,
        policy: ResiliencePolicy,
        *,
        now: MonotonicClock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._guarded = guarded(CHANNEL, name, Performing(), policy, now, sleep).sender

    async def open(self, request: OrderRequest) -> OpenedOrder:
        return await self._call(partial(self._inner.open, request))

    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        return await self._read(partial(self._inner.payments, order))

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        return await self._call(partial(self._inner.refund, request))

    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        return await self._read(partial(self._inner.refund_status, request))

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        return cast(T, await self._guarded.send(call))

    async def _read(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._call(call)
        except OutcomeUnknown as silence:
            raise VendorUnavailable(str(silence), retry_after=silence.retry_after) from silence
