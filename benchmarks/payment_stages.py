"""From the webhook of a gateway to the posted and receipted payment, one measured process for each step."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.open_loop_load import quantile
from config.container import Application
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from core.messaging.message import Message
from core.payments.open_fee_accounts import ChargedFee
from core.payments.payer import PayerOutcome, SignedWebhook
from core.use_cases import UseCases
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES

IDS = TimeOrderedIds()
CALLERS = 16
FEES_PER_BATCH, MESSAGES_PER_BATCH = 256, 256


def payments(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure payments of different fees, each told by two webhooks."""
    environment.changes["SANDBOX__BOOK_PATH"] = str(environment.folder / "payments.jsonl")
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        use_cases = application.use_cases()
        fees = await charged(use_cases, number)
        orders = await opening(use_cases, fees, figures)
        webhooks = await paid(use_cases, orders)
        await receiving(use_cases, webhooks, figures)
        await consuming(application, "WebhookReceived", len(webhooks), "webhooks recorded/s", figures)
        await consuming(application, "PaymentCaptured", number, "payments posted and receipted/s (bar: 500)", figures)

    environment.prepare(measured)
    stored = (
        "SELECT (SELECT COUNT(*) FROM payments), (SELECT COUNT(*) FROM receipts), (SELECT MAX(number) FROM receipts)"
    )
    if set(environment.sql(stored)[0]) != {number}:
        raise RuntimeError(f"{number} payments were made, stored are {environment.sql(stored)[0]}")
    return figures


async def charged(use_cases: UseCases, number: int) -> Sequence[UUID]:
    """Charge fees; return their ids."""
    fees = [IDS.new() for _ in range(number)]
    for begin in range(0, number, FEES_PER_BATCH):
        made = [a_fee(each) for each in fees[begin : begin + FEES_PER_BATCH]]
        await use_cases.payments.open_fee_accounts(made)
        heads = [(each, [ChargedHead("examination", each.total)]) for each in made]
        charges = [charge(each.submission, each.student, head, each.at) for each, head in heads]
        await use_cases.ledger.post_transactions([each for each in charges if each])
    return fees


def a_fee(submission: UUID) -> ChargedFee:
    """Return a fee that is charged now."""
    return ChargedFee(
        submission=submission,
        student=IDS.new(),
        reference=f"BF-{submission.hex[-16:].upper()}",
        schedule="neet-ug-2027",
        total=Money(150_000, "INR"),
        pay_by=None,
        at=datetime.now(UTC),
    )


async def opening(use_cases: UseCases, fees: Sequence[UUID], figures: dict[str, float]) -> Sequence[str]:
    """Open an order for each fee; return the gateway's ids."""
    waiting, orders = list(fees), list[str]()

    async def caller() -> None:
        while waiting:
            request = RequestContext(arrived=datetime.now(UTC), scope="bench", key=str(waiting[-1]))
            opened = await use_cases.payments.pay_exam_fee(str(waiting.pop()), request)
            assert opened.checkout is not None  # noqa: S101 - a new order has its page
            orders.append(opened.checkout.url.rpartition("/")[2])

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    figures["payments, orders opened/s"] = len(fees) / (time.perf_counter() - began)
    return orders


async def paid(use_cases: UseCases, orders: Sequence[str]) -> list[SignedWebhook]:
    """Pay every order; return the webhooks of the gateway."""
    return [each for order in orders for each in await use_cases.payments.pay_at_sandbox(order, PayerOutcome.PAID)]


async def receiving(use_cases: UseCases, webhooks: Sequence[SignedWebhook], figures: dict[str, float]) -> None:
    """Measure durable webhooks per second, and how long a gateway waits for its answer."""
    waiting, took = list(webhooks), list[float]()

    async def caller() -> None:
        while waiting:
            each, began = waiting.pop(), time.perf_counter()
            await use_cases.payments.receive_webhook("sandbox", each.headers, each.body)
            took.append((time.perf_counter() - began) * 1_000)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    figures["payments, webhooks stored/s"] = len(webhooks) / (time.perf_counter() - began)
    figures["payments, webhook answered p99 ms (bar: 1,000)"] = quantile(took, 0.99)


async def consuming(application: Application, kind: str, number: int, what: str, figures: dict[str, float]) -> None:
    """Measure a consumer that takes the events of one type in batches."""
    messages = await events(application, kind, number)
    consume = Consumer(application.messaging.new_inbox, ROUTES, application.use_cases())
    took: list[float] = []
    began = time.perf_counter()
    for begin in range(0, number, MESSAGES_PER_BATCH):
        batch = time.perf_counter()
        await consume(messages[begin : begin + MESSAGES_PER_BATCH])
        took.append((time.perf_counter() - batch) * 1_000)
    figures[f"payments, {what}"] = number / (time.perf_counter() - began)
    figures[f"payments, batch of {MESSAGES_PER_BATCH} {kind} p99 ms"] = quantile(took, 0.99)


async def events(application: Application, kind: str, number: int) -> Sequence[Message]:
    """Return the recorded events of a type."""
    history = await application.messaging.event_history().page("payments", None, 10 * number)
    found = [each for each in history if each.type == kind]
    if len(found) != number:
        raise RuntimeError(f"{len(found)} {kind} are recorded, expected were {number}")
    return found
