"""Posting, balances and verification of a ledger with ten million postings."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.open_loop_load import quantile
from config.container import Application
from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from core.ledger.transaction import LedgerTransaction
from core.ledger.use_cases import LedgerUseCases

POSTINGS_PER_ROW = 2
"""A row is a debit and a credit."""
CANDIDATES = 1_000_000
ROWS_PER_STATEMENT = 20_000
MESSAGES_PER_BATCH = 256
POSTED = 20_000
CALLERS = 8
"""Fewer than a process has connections."""
READS = 500
WAITING = 1_000
"""What 2,000 transactions a second post while the scheduler waits."""
INCOME = "income:examination"


def ledger(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure a ledger of that many postings, all of which touch one income account."""
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        use_cases = application.use_cases().ledger
        figures.update(await verification(use_cases, number))
        figures.update(await posting(use_cases, MESSAGES_PER_BATCH, "in batches of the consumer"))
        figures.update(await posting(use_cases, 1, "one by one"))
        await use_cases.add_up_postings()
        figures.update(await balances(use_cases, "added up"))
        await use_cases.post_transactions([a_charge() for _ in range(WAITING)])
        figures.update(await balances(use_cases, f"{WAITING:,} waiting"))

    fill(environment, number // POSTINGS_PER_ROW)
    environment.prepare(measured)
    return figures


def fill(environment: BenchmarkEnvironment, rows: int) -> None:
    """Store charges of past days, with the sums that the scheduler would have made."""
    numbers = f"(SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < {ROWS_PER_STATEMENT - 1})"  # noqa: S608
    deep = f"/*+ SET_VAR(cte_max_recursion_depth = {ROWS_PER_STATEMENT}) */"
    environment.sql(f"CREATE TABLE numbers WITH RECURSIVE counted (n) AS {numbers} SELECT {deep} n FROM counted")  # noqa: S608
    for first in range(0, rows, ROWS_PER_STATEMENT):
        some = f"FROM numbers WHERE n < {rows - first}"
        cause = f"UNHEX(LPAD(HEX({first + 1} + n), 32, '0'))"
        at = f"TIMESTAMP('2026-01-01') + INTERVAL ({first} + n) SECOND"
        environment.sql(
            f"INSERT INTO ledger_transactions SELECT {cause}, 'charge', {cause}, {at}, 'INR', 1, 150000 {some}"
        )
        candidate = f"CONCAT('candidate:', BIN_TO_UUID(UNHEX(LPAD(HEX(({first} + n) % {CANDIDATES}), 32, '0'))))"
        environment.sql(
            f"INSERT INTO postings SELECT {cause}, 'charge', 0, {candidate}, '{INCOME}', 'INR', 150000, {at} {some}"
        )
    environment.sql(
        "INSERT INTO daily_sums SELECT credit, currency, DATE(at), -SUM(amount_minor) FROM postings GROUP BY 1, 2, 3"
    )
    environment.sql("ANALYZE TABLE postings, ledger_transactions")


async def posting(ledger: LedgerUseCases, per_batch: int, what: str) -> Figures:
    """Measure durable transactions per second, of one consumer or several callers; all touch one income account."""
    batches = [[a_charge() for _ in range(per_batch)] for _ in range(POSTED // per_batch)]
    took: list[float] = []

    async def caller() -> None:
        while batches:
            batch = batches.pop()
            began = time.perf_counter()
            await ledger.post_transactions(batch)
            took.append((time.perf_counter() - began) * 1_000)

    count, began = sum(map(len, batches)), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(1 if per_batch > 1 else CALLERS)))
    rate = count / (time.perf_counter() - began)
    return {f"ledger transactions/s, {what} (bar: 2,000)": rate, f"ledger p99 ms, {what}": quantile(took, 0.99)}


async def balances(ledger: LedgerUseCases, when: str) -> Figures:
    """Measure the time of one balance, of the busiest account and of candidates."""

    async def candidate(number: int) -> object:
        return await ledger.show_balance(f"candidate:{UUID(int=number * 1_009 % CANDIDATES)}")

    async def income(_: int) -> object:
        return await ledger.show_balance(INCOME)

    kinds: dict[str, Callable[[int], Awaitable[object]]] = {"candidate": candidate, INCOME: income}
    figures: dict[str, float] = {}
    for name, read in kinds.items():
        took = []
        for number in range(READS):
            began = time.perf_counter()
            await read(number)
            took.append((time.perf_counter() - began) * 1_000)
        for share in (50, 99):
            figures[f"balance p{share} ms, {name}, {when} (bar: 2)"] = quantile(took, share / 100)
    return figures


async def verification(ledger: LedgerUseCases, number: int) -> Figures:
    """Measure the verification of everything."""
    began = time.perf_counter()
    found = await ledger.verify_ledger(lambda _: None)
    took = time.perf_counter() - began
    if found.disagreement or found.postings * POSTINGS_PER_ROW < number - 1:
        raise RuntimeError(f"{number} postings were stored: {found}")
    return {"ledger postings verified/s (bar: 200,000)": number / took}


IDS = TimeOrderedIds()


def a_charge() -> LedgerTransaction:
    """Return the charge of one fee."""
    made = charge(IDS.new(), IDS.new(), [ChargedHead("examination", Money(150_000, "INR"))], datetime.now(UTC))
    if made is None:
        raise RuntimeError("a fee of 1,500 rupees is charged")
    return made
