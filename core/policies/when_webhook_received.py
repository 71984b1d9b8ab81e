"""When a gateway has called, its fee accounts take what it tells."""

from collections.abc import Sequence

from core.messaging.message import Received
from core.payments.events import WebhookReceived
from core.payments.record_reports import StoredWebhook
from core.use_cases import UseCases


async def when_webhook_received(received: Sequence[Received[WebhookReceived]], use_cases: UseCases) -> None:
    """Record all reports in the order of their arrival."""
    stored = [StoredWebhook(each.body.subject, each.body.gateway, each.body.body) for each in received]
    await use_cases.payments.record_reports(stored)
