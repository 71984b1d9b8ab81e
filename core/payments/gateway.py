"""The port of payment gateways."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a gateway is asked to collect."""

    order: UUID
    amount: Money
    reference: str
    """Of the fee, as the payer knows it."""
    expires_at: datetime
    """More than 30 minutes ahead when the request arrives, and at most a day: Stripe takes no other."""
    return_url: str = ""
    """Where the browser of the payer goes afterwards; the page only reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The page of the gateway on which the payer pays: a link, or a form to post where there are fields."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOrder:
    """An order that a gateway accepted."""

    gateway_order: str
    """Its id of the order."""
    checkout: Checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order by the ids of both sides."""

    order: UUID
    gateway_order: str


class PaymentState(StrEnum):
    """What a gateway says of one payment."""

    STARTED = "started"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPayment:
    """One payment of an order as its gateway tells it."""

    id: str
    """The gateway's id of the payment; of several reports with one id and state the first counts."""
    state: PaymentState
    amount: Money
    at: datetime
    """When the payer paid, by the gateway's clock; of a payment without such a time, when it was created."""
    method: str = ""
    """`card`, `upi`, `netbanking`: the gateway's own word."""


class RefundState(StrEnum):
    """What a gateway says of a refund."""

    PENDING = "pending"
    REFUNDED = "refunded"
    REFUSED = "refused"
    """Certainly: the money stays with the office."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What a gateway is asked to give back."""

    refund: UUID
    """The id by which a repeated request has one effect."""
    payment: str
    """The gateway's id of the payment."""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRefund:
    """A refund as its gateway tells it."""

    refund: UUID | None
    """The office's id; None: it was made at the gateway's own desk."""
    id: str
    """The gateway's id of the refund."""
    payment: str
    state: RefundState
    amount: Money
    at: datetime


class PaymentGateway(Protocol):
    """Collects money and gives it back.

    Each method raises `VendorUnavailable` if the gateway certainly did nothing, `OutcomeUnknown` if it may have,
    `Rejected` if it never will.
    """

    @abstractmethod
    async def open(self, request: OrderRequest) -> OpenedOrder:
        """Open an order; a repeated request opens no second one that a payer can see."""

    @abstractmethod
    async def payments(self, order: PlacedOrder) -> Sequence[GatewayPayment]:
        """Return all payments of an order, also declined ones."""

    @abstractmethod
    async def refund(self, request: RefundRequest) -> GatewayRefund:
        """Give money back; a repeated request gives nothing back again."""

    @abstractmethod
    async def refund_status(self, request: RefundRequest) -> GatewayRefund | None:
        """Return a refund by the office's id, None if the gateway certainly has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReported:
    """A webhook tells the state of a payment."""

    order: UUID | None
    """The office's id; None where the gateway names only its own."""
    gateway_order: str
    payment: GatewayPayment


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReported:
    """A webhook tells the state of a refund."""

    refund: GatewayRefund


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackReported:
    """A webhook tells that the bank of the payer took a captured amount back, or gave it back after a dispute."""

    payment: str
    chargeback: str
    """The gateway's id of the dispute."""
    amount: Money
    at: datetime
    won: bool = False
    """Whether the amount came back to the office."""


GatewayReport = PaymentReported | RefundReported | ChargebackReported


class GatewayWebhooks(Protocol):
    """The webhooks of one gateway."""

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """Return the gateway's id of the event; raise `ForgedReport` unless a valid secret signed these bytes in time.

        The names of headers are in small letters.
        """

    @abstractmethod
    def read(self, body: bytes) -> Sequence[GatewayReport]:
        """Return what a verified webhook tells, nothing for one about something else; raise `Invalid`."""
