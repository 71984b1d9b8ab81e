"""Who pays at the simulated gateway: what a tester chooses happens to an order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from adapters.sandbox.payment_book import Entry, PaymentBook, money_of
from adapters.sandbox.webhooks import SandboxWebhooks
from core.kernel.clock import Clock
from core.kernel.money import Money
from core.payments.errors import UnknownPayment
from core.payments.gateway import PaymentState, RefundState
from core.payments.payer import Payer, PayerOutcome, SignedWebhook

LATER = timedelta(seconds=3)
"""When a slow payment is captured, and a declined one authorised: long enough for a person to see the state before."""
AUTHORISED, CAPTURED, DECLINED = PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.DECLINED
COURSES: Mapping[PayerOutcome, Sequence[tuple[PaymentState, timedelta]]] = {
    PayerOutcome.PAID: [(CAPTURED, timedelta())],
    PayerOutcome.PAID_TWICE: [(CAPTURED, timedelta())],
    PayerOutcome.LOST_ANSWER: [(CAPTURED, timedelta())],
    PayerOutcome.DECLINED: [(DECLINED, timedelta())],
    PayerOutcome.SLOW: [(AUTHORISED, timedelta()), (CAPTURED, LATER)],
    PayerOutcome.LATE_AUTHORISATION: [(DECLINED, timedelta()), (AUTHORISED, LATER), (CAPTURED, 2 * LATER)],
}
"""The states of a payment by outcome, each with the time after the click."""
KINDS = {AUTHORISED: ["payment.authorised"], CAPTURED: ["payment.captured", "order.paid"], DECLINED: ["payment.failed"]}
"""The webhooks of a state; as at other gateways, two of them tell one capture."""


class SandboxPayer(Payer):
    """Writes what payers do into the book of the gateway, and signs its webhooks."""

    def __init__(self, book: PaymentBook, webhooks: SandboxWebhooks, clock: Clock) -> None:
        self._book, self._webhooks, self._clock = book, webhooks, clock

    async def amount(self, gateway_order: str) -> Money:
        return money_of(await asyncio.to_thread(self._order, gateway_order))

    async def pay(
        self, gateway_order: str, outcome: PayerOutcome, amount: Money | None = None
    ) -> Sequence[SignedWebhook]:
        return await asyncio.to_thread(self._pay, gateway_order, outcome, amount)

    async def refunded(self, refund: UUID) -> Sequence[SignedWebhook]:
        return await asyncio.to_thread(self._refunded, refund)

    async def charge_back(self, payment: str) -> Sequence[SignedWebhook]:
        return await asyncio.to_thread(self._charge_back, payment)

    def _order(self, gateway_order: str) -> Entry:
        with self._book.turn():
            order = self._book.order(gateway_order)
        if order is None:
            raise UnknownPayment(f"the sandbox has no order {gateway_order[:60]!r}")
        return order

    def _pay(self, gateway_order: str, outcome: PayerOutcome, amount: Money | None) -> Sequence[SignedWebhook]:
        order, now = self._order(gateway_order), self._clock.now()
        times = 2 if outcome is PayerOutcome.PAID_TWICE else 1
        course = [
            (payment_entry(order, name, state, amount or money_of(order), now, now + after), after)
            for name in [f"pay_{uuid4().hex}" for _ in range(times)]
            for state, after in COURSES[outcome]
        ]
        with self._book.turn():
            self._book.append(*[entry for entry, _ in course])
        if outcome is PayerOutcome.LOST_ANSWER:
            return []
        return [
            self._signed(kind, entry, now, after)
            for entry, after in course
            for kind in KINDS[PaymentState(entry["state"])]
        ]

    def _refunded(self, refund: UUID) -> Sequence[SignedWebhook]:
        with self._book.turn():
            known = self._book.refund(refund)
        if known is None:
            raise UnknownPayment(f"the sandbox has no refund {refund}")
        told = {
            "refund": str(refund),
            "id": known.id,
            "payment": known.payment,
            "state": known.state.value,
            **amount_entry(known.amount),
            "at": known.at.isoformat(),
        }
        kinds = ["refund.created"] + (["refund.processed"] if known.state is RefundState.REFUNDED else [])
        return [self._signed(kind, told, self._clock.now()) for kind in kinds]

    def _charge_back(self, payment: str) -> Sequence[SignedWebhook]:
        now = self._clock.now()
        with self._book.turn():
            if (taken := self._book.captured(payment, now)) is None:
                raise UnknownPayment(f"the sandbox has no captured payment {payment[:60]!r}")
            told = {
                "kind": "chargeback",
                "id": f"disp_{payment}",
                "payment": payment,
                **amount_entry(taken.amount),
                "at": now.isoformat(),
            }
            self._book.append(told)
        return [self._signed("chargeback.lost", told, now)]

    def _signed(
        self, kind: str, told: Mapping[str, Any], now: datetime, after: timedelta = timedelta()
    ) -> SignedWebhook:
        return replace(self._webhooks.sign(kind, told, now + after), after=after)


def payment_entry(order: Entry, name: str, state: PaymentState, amount: Money, at: datetime, since: datetime) -> Entry:
    """Return the line of a payment in a state that it has since a moment."""
    return {
        "kind": "payment",
        "id": name,
        "order": order["order"],
        "gateway_order": order["id"],
        "state": state.value,
        **amount_entry(amount),
        "method": "card",
        "at": at.isoformat(),
        "since": since.isoformat(),
    }


def amount_entry(amount: Money) -> Entry:
    """Return the fields of an amount."""
    return {"minor": amount.minor, "currency": amount.currency}
