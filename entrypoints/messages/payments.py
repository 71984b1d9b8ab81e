"""Messages of the payments context."""

from collections.abc import Sequence

from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.payments.events import (
    FeeFined,
    FeeWaived,
    PaymentCaptured,
    PaymentRestored,
    PaymentReversed,
    RefundSettled,
    WaiverRetracted,
    WebhookReceived,
)
from core.policies.when_fee_account_changed import PostedEvent, when_fee_account_changed
from core.policies.when_webhook_received import when_webhook_received
from core.use_cases import UseCases
from entrypoints.messages.handlers import ignore_messages
from entrypoints.strict_decoding import decode_event


async def webhook_received(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode webhooks and apply their policy."""
    received = [Received(each, decode_event(each.body, WebhookReceived)) for each in messages]
    await when_webhook_received(received, use_cases)


def posted(kind: type[PostedEvent]) -> Route:
    """Post the events of one type to the ledger."""

    async def route(messages: Sequence[Message], use_cases: UseCases) -> None:
        changed = [Received(each, decode_event(each.body, kind)) for each in messages]
        await when_fee_account_changed(changed, use_cases)

    return route


POSTED = (PaymentCaptured, RefundSettled, PaymentReversed, PaymentRestored, FeeFined, FeeWaived, WaiverRetracted)
READ_BY_OTHERS = ("RefundReserved", "RefundReleased", "FeeCleared", "FeeClearanceRevoked")
ROUTES: dict[RouteKey, Route] = {
    ("payments", "WebhookReceived"): webhook_received,
    **{("payments", kind.MESSAGE_TYPE): posted(kind) for kind in POSTED},
    **{("payments", kind): ignore_messages for kind in READ_BY_OTHERS},
    ("payments.dead-letters", "MessageBuried"): ignore_messages,
}
