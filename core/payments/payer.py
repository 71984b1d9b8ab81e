"""The port of payers at a simulated gateway: a tester, the demonstration and tests choose what becomes of an order."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.kernel.money import Money


class PayerOutcome(StrEnum):
    """What becomes of an attempt to pay."""

    PAID = "paid"
    DECLINED = "declined"
    SLOW = "slow"
    """Debited now, captured later."""
    LOST_ANSWER = "lost-answer"
    """Captured, and no webhook tells of it."""
    PAID_TWICE = "paid-twice"
    """Two payments of one order."""
    LATE_AUTHORISATION = "late-authorisation"
    """Declined now; later the bank authorises it all the same, and it is captured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebhook:
    """A webhook as a gateway sends it."""

    headers: Mapping[str, str]
    """Their names are in small letters."""
    body: bytes
    after: timedelta = timedelta()
    """How long after the payer's click it is sent; it is signed with that moment."""


class Payer(Protocol):
    """Pays, disputes and hears of refunds at a simulated gateway; returns the webhooks that the gateway sends.

    Each method raises `UnknownPayment` for an id that the gateway does not know.
    """

    @abstractmethod
    async def amount(self, gateway_order: str) -> Money:
        """Return what an order asks for."""

    @abstractmethod
    async def pay(
        self, gateway_order: str, outcome: PayerOutcome, amount: Money | None = None
    ) -> Sequence[SignedWebhook]:
        """Pay an order, or a part of it."""

    @abstractmethod
    async def refunded(self, refund: UUID) -> Sequence[SignedWebhook]:
        """Return what the gateway tells of a refund that the office asked for."""

    @abstractmethod
    async def charge_back(self, payment: str) -> Sequence[SignedWebhook]:
        """Let the bank of the payer take a captured payment back."""
