"""Receive a webhook."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid5

from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock
from core.kernel.errors import Conflict
from core.payments.errors import UnknownGateway
from core.payments.events import WebhookReceived
from core.payments.gateway import GatewayWebhooks
from core.payments.payment import PAYMENTS
from core.payments.ports import NewPaymentsUnitOfWork


@open_to_all
@dataclass(frozen=True, slots=True)
class ReceiveWebhook:
    """Store a webhook byte for byte, once; it is read behind the answer, so that the gateway waits for one insert."""

    new_work: NewPaymentsUnitOfWork
    webhooks: Mapping[str, GatewayWebhooks]
    clock: Clock

    async def __call__(self, gateway: str, headers: Mapping[str, str], body: bytes) -> None:
        """Store it; a repeated one is stored already. Raise `UnknownGateway`, or `ForgedReport` without a signature."""
        if gateway not in self.webhooks:
            raise UnknownGateway(f"there is no payment gateway {gateway[:40]!r}")
        now = self.clock.now()
        event = self.webhooks[gateway].verify(headers, body, now)
        subject = uuid5(PAYMENTS, f"{gateway}:webhook:{event}")
        async with self.new_work() as work:
            work.webhooks.add(subject, body, now)
            work.record(WebhookReceived(at=now, subject=subject, version=1, gateway=gateway))
            try:
                await work.commit()
            except Conflict:
                return  # the version of the subject is stored: the gateway repeats what it was not told to have arrived
