"""Payment gateways with their local servers, for the contract tests of `PaymentGateway` and `GatewayWebhooks`."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.container.gateways import Gateways
from config.container.process import Process
from config.sections.vendors import Resilience, Sandbox
from config.settings import Adapters, Settings
from core.kernel.money import Money
from core.payments.gateway import (
    GatewayReport,
    GatewayWebhooks,
    OpenedOrder,
    OrderRequest,
    PaymentGateway,
    PaymentState,
    PlacedOrder,
    RefundRequest,
)
from core.payments.payer import PayerOutcome, SignedWebhook
from tests.contract.servers.gateway import GatewayServer
from tests.contract.servers.razorpay import LocalRazorpay
from tests.contract.servers.stripe import LocalStripe

SERVERS: Mapping[str, Callable[[], GatewayServer]] = {"razorpay": LocalRazorpay, "stripe": LocalStripe}
NAMES = sorted(Gateways.gateway_vendors.providers)
FEE = Money(150_000, "INR")
SINGLE_ATTEMPT = Resilience(max_attempts=1, deadline_seconds=5)
CAPTURED, DECLINED, AUTHORISED = PaymentState.CAPTURED, PaymentState.DECLINED, PaymentState.AUTHORISED
OUTCOMES = {(CAPTURED,): PayerOutcome.PAID, (DECLINED,): PayerOutcome.DECLINED}


@dataclass(slots=True)
class Stage:
    """One gateway, and who pays there."""

    name: str
    built: Any
    """The container of gateways."""
    server: GatewayServer | None
    in_chain: bool
    gateway: PaymentGateway

    @property
    def webhooks(self) -> GatewayWebhooks:
        webhooks: GatewayWebhooks = self.built.webhooks()[self.name]
        return webhooks

    async def pay(self, order: OpenedOrder, *states: PaymentState) -> Sequence[SignedWebhook]:
        if self.server:
            return self.server.pay(order.gateway_order, *states)
        told: Sequence[SignedWebhook] = await self.built.payer().pay(order.gateway_order, OUTCOMES[states])
        return told

    def told(self, webhooks: Sequence[SignedWebhook]) -> Sequence[GatewayReport]:
        """Return what webhooks tell, after their signatures were verified."""
        reports: list[GatewayReport] = []
        for each in webhooks:
            assert self.webhooks.verify(each.headers, each.body, datetime.now(UTC))
            reports += self.webhooks.read(each.body)
        return reports

    async def paid(self) -> tuple[OrderRequest, OpenedOrder, str]:
        """Return an order that is paid, and the gateway's id of its payment."""
        request = an_order()
        opened = await self.gateway.open(request)
        await self.pay(opened, CAPTURED)
        (payment,) = await self.gateway.payments(placed(request, opened))
        return request, opened, payment.id


def an_order(**changes: Any) -> OrderRequest:
    given: dict[str, Any] = {
        "order": uuid4(),
        "amount": FEE,
        "reference": "BF-7K3M-9QZ4-XA2B-C",
        "expires_at": datetime.now(UTC) + timedelta(minutes=40),
        "return_url": "https://fees.example.org/paid",
    }
    return OrderRequest(**given | changes)


def a_refund(payment: str, minor: int = FEE.minor, currency: str = FEE.currency) -> RefundRequest:
    return RefundRequest(refund=uuid4(), payment=payment, amount=Money(minor, currency))


def placed(request: OrderRequest, opened: OpenedOrder) -> PlacedOrder:
    return PlacedOrder(order=request.order, gateway_order=opened.gateway_order)


def a_stage(
    name: str,
    folder: Path,
    server: GatewayServer | None,
    resilience: Resilience = SINGLE_ATTEMPT,
    in_chain: bool = True,
) -> Stage:
    sections: dict[str, Any] = {"sandbox": Sandbox(book_path=str(folder / "book.jsonl"))}
    sections |= dict(server.settings()) if server else {}
    adapters = Adapters(payments=(name,))  # type: ignore[arg-type]
    built = Gateways(process=Process(settings=Settings(adapters=adapters, resilience=resilience, **sections)))
    gateway = built.gateways()[name] if in_chain else built.gateway_vendors(name)
    return Stage(name, built, server, in_chain, gateway)


@asynccontextmanager
async def staged(
    name: str, folder: Path, resilience: Resilience = SINGLE_ATTEMPT, in_chain: bool = True
) -> AsyncIterator[Stage]:
    """Run the local server of a gateway, if it has one."""
    server = SERVERS[name]() if name in SERVERS else None
    if server:
        await server.start()
    stage = a_stage(name, folder, server, resilience, in_chain)
    try:
        yield stage
    finally:
        if server:
            await stage.built.gateway_vendors(name).close()
            await server.stop()
