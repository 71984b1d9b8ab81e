"""Rebuilds of every projection from a long log, beside a plain read of the same log."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.seed import AT_ONCE, an_id
from config.container import Application
from core.kernel.pace import Pace
from core.messaging.read_log import EVENTS_PER_PAGE
from tests.examples import a_submission
from tests.inventory_harness import InventoryHarness
from tests.units_of_work import any_work

OWN_STATUS = Path("/proc/self/status")
KINDS = ("submissions", "ledger", "inventory")


def rebuild(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure rebuilds from a log of `number` events: one half are fees, the other half allocations of one sku."""
    fill(environment, number // 2)
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        memory = Memory()
        reading = await seconds(partial(read_all, application))
        figures[f"reading {number:,} events, s"] = reading
        for name in KINDS:
            figures[f"rebuild of {name}, s"] = await seconds(partial(rebuilt, application, name, memory))
        for name in KINDS:
            figures[f"verification of {name}, s"] = await seconds(partial(verified, application, name, memory))
        total = sum(figures[f"rebuild of {name}, s"] for name in KINDS)
        figures[f"rebuild of all from {number:,} events, s (bar: 180)"] = total
        figures["rebuild of all, times a plain read"] = total / reading
        figures["memory above the start, MiB"] = memory.growth_mib

    environment.prepare(measured)
    return figures


def fill(environment: BenchmarkEnvironment, each: int) -> None:
    """Insert the events of as many fees and as many allocations."""

    async def first(application: Application) -> None:
        submission, submitted = a_submission()
        async with any_work(application) as work:
            work.record(submitted, kept=submission.facts)
            await work.commit()
        stock = InventoryHarness(application)
        await stock.buy("B-1", 1_000_000)
        await stock.allocate("order")

    environment.prepare(first)
    fee, student = an_id("b"), an_id("c")
    reference = "CONCAT('BF-', LPAD(CONV(i, 10, 32), 10, '0'))"
    body = f"REPLACE(body, BIN_TO_UUID(aggregate_id), BIN_TO_UUID({fee}))"
    body = f"REPLACE({body}, JSON_VALUE(body, '$.reference'), {reference})"
    body = f"REPLACE({body}, JSON_VALUE(body, '$.student'), BIN_TO_UUID({student}))"
    insert(environment, "FeeSubmitted", each - 1, {"event_id": an_id("a"), "aggregate_id": fee, "body": body})
    line = """REPLACE(body, '"version":2', CONCAT('"version":', i + 2))"""
    line = f"""REPLACE({line}, '"order":"order"', CONCAT('"order":"o-', i, '"'))"""
    insert(environment, "Allocated", each - 2, {"event_id": an_id("d"), "aggregate_version": "i + 2", "body": line})
    environment.sql("ANALYZE TABLE event_log")


def insert(environment: BenchmarkEnvironment, kind: str, number: int, changed: dict[str, str]) -> None:
    """Multiply the only event of a type, with some columns changed."""
    columns = [name for (name, *_) in environment.sql("SHOW COLUMNS FROM event_log")]
    values = ", ".join(changed.get(column, column) for column in columns)
    environment.sql(f"CREATE TABLE original AS SELECT * FROM event_log WHERE type = '{kind}'")  # noqa: S608 - a constant
    for start in range(0, number, AT_ONCE):
        count = min(AT_ONCE, number - start)
        environment.sql(
            f"INSERT INTO event_log ({', '.join(columns)})"  # noqa: S608 - constant names
            f" WITH RECURSIVE numbers (i) AS (SELECT {start + 1} UNION ALL"
            f" SELECT i + 1 FROM numbers WHERE i < {start + count})"
            f" SELECT /*+ SET_VAR(cte_max_recursion_depth = {AT_ONCE}) */ {values} FROM numbers, original"
        )
    environment.sql("DROP TABLE original")


async def read_all(application: Application) -> None:
    """Read the log in pages, as rebuilds do."""
    history = application.messaging.event_history()
    for context in ("fees", "inventory"):
        after = None
        while page := await history.page(context, after, EVENTS_PER_PAGE):
            after = page[-1].id


async def rebuilt(application: Application, name: str, memory: "Memory") -> None:
    """Rebuild one projection."""
    if await application.use_cases().messaging.rebuild_projection(name, Pace(), memory.look) is None:
        raise RuntimeError("the rebuild was stopped")


async def verified(application: Application, name: str, memory: "Memory") -> None:
    """Verify one projection."""
    found = await application.use_cases().messaging.verify_projection(name, Pace(), memory.look)
    if found is None or not found.is_right:
        raise RuntimeError(f"{name} is not what the log says: {found}")


async def seconds(act: Callable[[], Awaitable[None]]) -> float:
    """Return how long it takes."""
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


class Memory:
    """The resident memory of this process above that at the start."""

    def __init__(self) -> None:
        self._start = resident_mib()
        self.growth_mib = 0.0

    def look(self, _events: int, _until: datetime) -> None:
        """Remember the largest growth."""
        self.growth_mib = max(self.growth_mib, resident_mib() - self._start)


def resident_mib() -> float:
    """Return the resident memory of this process."""
    return int(OWN_STATUS.read_text(encoding="utf-8").partition("VmRSS:")[2].split()[0]) / 1024
