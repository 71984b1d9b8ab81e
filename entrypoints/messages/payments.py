"""Messages of the payments context."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

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
from core.policies.when_payment_captured import when_payment_captured, when_payment_reversed
from core.policies.when_webhook_received import when_webhook_received
from core.use_cases import UseCases
from entrypoints.messages.handlers import ignore_messages
from entrypoints.strict_decoding import decode_event

Policy = Callable[[Sequence[Received[Any]], UseCases], Awaitable[None]]


async def webhook_received(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode webhooks and apply their policy."""
    received = [Received(each, decode_event(each.body, WebhookReceived)) for each in messages]
    await when_webhook_received(received, use_cases)


def posted(kind: type[PostedEvent], policy: Policy | None = None) -> Route:
    """Post the events of one type to the ledger, and apply a policy of theirs."""

    async def route(messages: Sequence[Message], use_cases: UseCases) -> None:
        changed = [Received(each, decode_event(each.body, kind)) for each in messages]
        await when_fee_account_changed(changed, use_cases)
        if policy is not None:
            await policy(changed, use_cases)

    return route


POSTED = (RefundSettled, PaymentRestored, FeeFined, FeeWaived, WaiverRetracted)
READ_BY_OTHERS = ("RefundReserved", "RefundReleased", "FeeCleared", "FeeClearanceRevoked")
ROUTES: dict[RouteKey, Route] = {
    ("payments", "WebhookReceived"): webhook_received,
    ("payments", "PaymentCaptured"): posted(PaymentCaptured, when_payment_captured),
    ("payments", "PaymentReversed"): posted(PaymentReversed, when_payment_reversed),
    **{("payments", kind.MESSAGE_TYPE): posted(kind) for kind in POSTED},
    **{("payments", kind): ignore_messages for kind in READ_BY_OTHERS},
    ("payments.dead-letters", "MessageBuried"): ignore_messages,
}
