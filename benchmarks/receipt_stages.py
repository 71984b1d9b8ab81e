"""Numbered payments per second, where all batches draw from one counter."""

import asyncio
import time
from datetime import UTC, datetime

from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.open_loop_load import quantile
from config.container import Application
from core.kernel.errors import Unavailable
from core.kernel.money import Money
from core.receipts.receipt import ReceivedPayment
from core.receipts.use_cases import ReceiptsUseCases

CONSUMERS = 4
PAYMENTS_PER_BATCH = 64
IDS = TimeOrderedIds()


def receipts(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure receipts of one series and year, issued by several consumers at once, and count what is stored."""
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        use_cases = application.use_cases().receipts
        figures.update(
            await issuing(use_cases, number, PAYMENTS_PER_BATCH, f"batches of {PAYMENTS_PER_BATCH} (bar: 500)")
        )
        figures.update(await issuing(use_cases, number // 10, 1, "one by one"))

    environment.prepare(measured)
    [(count, last)] = environment.sql("SELECT COUNT(*), MAX(number) FROM receipts")
    if not count == last == number // PAYMENTS_PER_BATCH * PAYMENTS_PER_BATCH + number // 10:
        raise RuntimeError(f"{count} receipts are stored, the last one is {last}, and {number} payments were made")
    return figures


async def issuing(receipts: ReceiptsUseCases, number: int, per_batch: int, what: str) -> Figures:
    """Measure durable receipts per second; a batch that gave way is issued again, as a consumer does it."""
    batches = [[a_payment() for _ in range(per_batch)] for _ in range(number // per_batch)]
    took: list[float] = []
    repeated = 0

    async def consumer() -> None:
        nonlocal repeated
        while batches:
            batch = batches.pop()
            began = time.perf_counter()
            while True:
                try:
                    await receipts.issue_receipts(batch)
                    break
                except Unavailable:
                    repeated += 1
            took.append((time.perf_counter() - began) * 1_000)

    count, began = sum(map(len, batches)), time.perf_counter()
    await asyncio.gather(*(consumer() for _ in range(CONSUMERS)))
    rate = count / (time.perf_counter() - began)
    return {
        f"numbered payments/s, {CONSUMERS} consumers, {what}": rate,
        f"numbered payments p99 ms, {what}": quantile(took, 0.99),
        f"numbered payments, batches repeated, {what}": repeated,
    }


def a_payment() -> ReceivedPayment:
    """Return a payment of today."""
    return ReceivedPayment(
        payment=IDS.new(),
        submission=IDS.new(),
        student=IDS.new(),
        reference="BF-7K3M-9QZ4-XA2B-C",
        schedule="neet-ug-2027",
        amount=Money(150_000, "INR"),
        method="upi",
        paid_at=datetime.now(UTC),
    )
