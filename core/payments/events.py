"""The events of the payments context; their subject is the fee account."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core.kernel.events import Event
from core.kernel.money import Money
from core.messaging.command_refused import CommandRefused
from core.payments.adjustment import HeadChange


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceived(Event):
    """A gateway called, with a valid signature; the subject names this call, and where its bytes are stored."""

    CONTEXT = "payments"
    MESSAGE_TYPE = "WebhookReceived"

    gateway: str
    body: bytes = b""
    """Filled in older events: the bytes can name a payer, so they are stored apart, encrypted, for a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAccountEvent(Event):
    """What every event of a fee account tells."""

    CONTEXT = "payments"

    fee: UUID
    """The submission."""
    reference: str
    student: UUID
    schedule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured(FeeAccountEvent):
    """Money was received for a fee."""

    MESSAGE_TYPE = "PaymentCaptured"

    payment: UUID
    gateway: str
    """`counter` for what a clerk took."""
    gateway_payment: str
    method: str
    amount: Money
    paid_at: datetime
    """The moment of payment by the clock of the gateway or the clerk; it decides the year of the receipt."""
    late: bool
    """It was started in time, and arrived after the deadline."""
    owed: Money
    """What is owed after it; negative: a surplus, which goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed(FeeAccountEvent):
    """The bank of the payer took a payment back: a chargeback, or a cheque that bounced."""

    MESSAGE_TYPE = "PaymentReversed"

    refund: UUID
    payment: UUID
    gateway: str
    amount: Money
    cause: str
    restored: tuple[UUID, ...] = ()
    """The reversals of the payment that were restored before; they have receipts of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRestored(FeeAccountEvent):
    """An amount that went back is at the office again: a bank returned it, or a dispute was won."""

    MESSAGE_TYPE = "PaymentRestored"

    refund: UUID
    payment: UUID
    gateway: str
    method: str = ""
    """Of the payment; empty in older events."""
    amount: Money
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReserved(FeeAccountEvent):
    """A refund was promised; the gateway is asked next."""

    MESSAGE_TYPE = "RefundReserved"

    refund: UUID
    payment: UUID
    gateway: str
    amount: Money
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSettled(FeeAccountEvent):
    """The gateway gave an amount back."""

    MESSAGE_TYPE = "RefundSettled"

    refund: UUID
    payment: UUID
    gateway: str
    amount: Money
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReleased(FeeAccountEvent):
    """The gateway gave nothing back, and never will for this refund; nothing was posted."""

    MESSAGE_TYPE = "RefundReleased"

    refund: UUID
    payment: UUID
    gateway: str
    amount: Money
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeFined(FeeAccountEvent):
    """A late fine was added to what is owed."""

    MESSAGE_TYPE = "FeeFined"

    fine: UUID
    rule: str
    schedule_version: int
    """Of the schedule whose rule it is."""
    day: date
    """The local date on which the late day begins."""
    head: str
    amount: Money
    instalment: int = 1
    """The number of the one that is late; older events have no such field, as fees had no instalments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FineWithdrawn(FeeAccountEvent):
    """A fine was taken back: a payment arrived that had settled the fee before the late day began."""

    MESSAGE_TYPE = "FineWithdrawn"

    fine: UUID
    rule: str
    schedule_version: int
    day: date
    head: str
    amount: Money
    instalment: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReminderDue(FeeAccountEvent):
    """A payer is to be reminded; whether the fee is owed is read again when the words are made."""

    MESSAGE_TYPE = "PaymentReminderDue"

    reminder: str
    """`due-7`, `due-1`, `overdue-1`, `overdue-7`: days before or after the last day in time; once an instalment."""
    pay_by: datetime
    zone: str
    instalment: int = 1
    """The number of the one that is to be paid by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeWaived(FeeAccountEvent):
    """A part of what is owed was waived, by the decision of two people."""

    MESSAGE_TYPE = "FeeWaived"

    waiver: UUID
    head: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRetracted(FeeAccountEvent):
    """A waiver was taken back; its amount is owed again."""

    MESSAGE_TYPE = "WaiverRetracted"

    waiver: UUID
    head: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAdjusted(FeeAccountEvent):
    """A fee costs what a corrected tariff says, by the decision of a second person."""

    MESSAGE_TYPE = "FeeAdjusted"

    adjustment: UUID
    schedule_version: int
    """The corrected version."""
    heads: tuple[HeadChange, ...]
    """Those that change."""
    before: Money
    """The price, without fines and waivers."""
    after: Money
    owed: Money
    """What is owed after it, fines and waivers included; negative: a surplus, which goes back."""
    pay_by: datetime | None
    zone: str
    """Empty without a deadline of payment."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeCleared(FeeAccountEvent):
    """Nothing is owed any more: the candidate may sit the exam."""

    MESSAGE_TYPE = "FeeCleared"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeClearanceRevoked(FeeAccountEvent):
    """A cleared fee is owed again."""

    MESSAGE_TYPE = "FeeClearanceRevoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterPaymentRefused(CommandRefused):
    """A command to take a counter payment was refused."""

    CONTEXT = "payments"
    MESSAGE_TYPE = "CounterPaymentRefused"
