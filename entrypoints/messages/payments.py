"""Messages of the payments context."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.kernel.authorization import Permission
from core.kernel.idempotency import RequestContext
from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.payments.counter_payment import CounterDeposit
from core.payments.events import (
    CounterPaymentRefused,
    FeeAdjusted,
    FeeFined,
    FeeWaived,
    FineWithdrawn,
    PaymentCaptured,
    PaymentReminderDue,
    PaymentRestored,
    PaymentReversed,
    RefundSettled,
    WaiverRetracted,
    WebhookReceived,
)
from core.policies.when_fee_account_changed import PostedEvent, when_fee_account_changed
from core.policies.when_fee_adjusted import when_fee_adjusted
from core.policies.when_payment_captured import when_payment_captured, when_payment_restored, when_payment_reversed
from core.policies.when_payment_reminder_due import when_payment_reminder_due
from core.policies.when_webhook_received import when_webhook_received
from core.use_cases import UseCases
from entrypoints.messages.handlers import command, ignore_messages, topic_principal
from entrypoints.strict_decoding import decode, decode_event


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCounterPaymentCommand:
    """The body of a `TakeCounterPayment` message."""

    fee: str
    """The id or the reference of an exam fee."""
    deposit: CounterDeposit


@command(CounterPaymentRefused)
async def take_counter_payment(message: Message, use_cases: UseCases) -> None:
    """Take a payment at the counter; the inbox has checked that the message is new."""
    body = decode(message.body, TakeCounterPaymentCommand)
    request = RequestContext(arrived=message.at)
    await use_cases.payments.take_counter_payment(body.fee, body.deposit, request)


Policy = Callable[[Sequence[Received[Any]], UseCases], Awaitable[None]]


async def webhook_received(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode webhooks and apply their policy."""
    received = [Received(each, decode_event(each.body, WebhookReceived)) for each in messages]
    await when_webhook_received(received, use_cases)


async def payment_reminder_due(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode due reminders and apply their policy."""
    await when_payment_reminder_due(
        [Received(each, decode_event(each.body, PaymentReminderDue)) for each in messages], use_cases
    )


def posted(kind: type[PostedEvent], policy: Policy | None = None) -> Route:
    """Post the events of one type to the ledger, and apply a policy of theirs."""

    async def route(messages: Sequence[Message], use_cases: UseCases) -> None:
        changed = [Received(each, decode_event(each.body, kind)) for each in messages]
        await when_fee_account_changed(changed, use_cases)
        if policy is not None:
            await policy(changed, use_cases)

    return route


POSTED = (RefundSettled, FeeFined, FineWithdrawn, FeeWaived, WaiverRetracted)
READ_BY_OTHERS = ("RefundReserved", "RefundReleased", "FeeCleared", "FeeClearanceRevoked", "CounterPaymentRefused")
ROUTES: dict[RouteKey, Route] = {
    ("payments.commands", "TakeCounterPayment"): take_counter_payment,
    ("payments", "WebhookReceived"): webhook_received,
    ("payments", "PaymentCaptured"): posted(PaymentCaptured, when_payment_captured),
    ("payments", "PaymentReversed"): posted(PaymentReversed, when_payment_reversed),
    ("payments", "PaymentRestored"): posted(PaymentRestored, when_payment_restored),
    ("payments", "FeeAdjusted"): posted(FeeAdjusted, when_fee_adjusted),
    ("payments", "PaymentReminderDue"): payment_reminder_due,
    **{("payments", kind.MESSAGE_TYPE): posted(kind) for kind in POSTED},
    **{("payments", kind): ignore_messages for kind in READ_BY_OTHERS},
    ("payments.dead-letters", "MessageBuried"): ignore_messages,
}
PRINCIPALS = {"payments.commands": topic_principal("payments.commands", Permission.PAYMENTS_TAKE)}
