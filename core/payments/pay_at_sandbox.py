"""Pay at the simulated gateway."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.kernel.authorization import open_to_all
from core.kernel.money import Money
from core.payments.errors import UnknownGateway
from core.payments.payer import Payer, PayerOutcome, SignedWebhook


@open_to_all
@dataclass(frozen=True, slots=True)
class PayAtSandbox:
    """Let a tester choose what becomes of an order; the id of the order is what the page of a gateway knows."""

    payer: Payer | None
    """None: the settings do not name the gateway `sandbox`."""

    async def amount(self, gateway_order: str) -> Money:
        """Return what the order asks for; raise `UnknownGateway` or `UnknownPayment`."""
        return await self._known_payer().amount(gateway_order)

    async def __call__(self, gateway_order: str, outcome: PayerOutcome) -> Sequence[SignedWebhook]:
        """Return the webhooks that the gateway sends; raise `UnknownGateway` or `UnknownPayment`."""
        return await self._known_payer().pay(gateway_order, outcome)

    def _known_payer(self) -> Payer:
        if self.payer is None:
            raise UnknownGateway("adapters.payments does not name the sandbox")
        return self.payer
