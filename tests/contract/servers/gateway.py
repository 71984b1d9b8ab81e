"""The common part of local payment gateways: whatever goes wrong, lists can be read unless they are to fail too."""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import count

from aiohttp import web

from core.payments.gateway import PaymentState
from core.payments.payer import SignedWebhook
from tests.contract.servers.http import HttpVendor

SECRET, FORMER_SECRET = "whsec_the-present-secret", "whsec_the-former-secret"


class GatewayServer(HttpVendor):
    reads_fail = False
    """Whether the behaviour is also that of requests that only read."""

    def __init__(self) -> None:
        super().__init__()
        self.number = count(1)
        self.sent = 0
        """The requests that ask for an effect."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            self.sent += 1
        elif not self.reads_fail:
            return self.listed(request) if self.authentic(request, b"") else self.denied()
        return await super().serve(request)

    def id(self, prefix: str) -> str:
        """Return a new id in the form of this gateway."""
        return f"{prefix}_{next(self.number):014d}"

    @abstractmethod
    def pay(self, gateway_order: str, *states: PaymentState) -> Sequence[SignedWebhook]:
        """Take an attempt to pay through these states; return the webhooks of all of them."""

    @abstractmethod
    def settle(self, refund: str, *, failed: bool = False) -> Sequence[SignedWebhook]:
        """Bring a pending refund to its end."""

    @abstractmethod
    def dispute(self, payment: str, status: str) -> Sequence[SignedWebhook]:
        """Let a dispute about a payment come to this status."""

    @abstractmethod
    def signed_with(self, secret: str) -> SignedWebhook:
        """Return a webhook that this secret signs."""
