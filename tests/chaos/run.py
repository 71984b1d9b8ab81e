"""One run: the system under test, its clients, its faults, and the findings at the end."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from core.messaging.message import topic_of
from tests.chaos.client_traffic import Say, client_traffic, progress_reports
from tests.chaos.facts import CONTEXTS, Facts, gather, waiting
from tests.chaos.fault_injector import FaultInjector
from tests.chaos.fault_points import FaultPointRegistry
from tests.chaos.findings import Findings
from tests.chaos.judge import judge
from tests.chaos.plan import Step
from tests.chaos.servers import Stack
from tests.chaos.system import SystemUnderTest
from tests.chaos.workers import ForkServer, Workers

STUCK, LONGEST_QUIET = 60.0, 900.0
"""Seconds without progress after which a run stops waiting for an idle system, and the limit of all its waiting."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run."""

    line: dict[str, Any]
    findings: Findings
    died: list[str]
    """Workers that ended by themselves; no guarantee excludes this, but it must not happen."""

    @property
    def passed(self) -> bool:
        """Return whether every guarantee held and was tested."""
        tried = self.line["acknowledged"] and self.line["stock_commands"] and self.line["paid"]
        return tried > 0 and not any(self.findings.of.values())


@dataclass(frozen=True, slots=True)
class Run:
    """The servers that runs share."""

    stack: Stack
    server: ForkServer
    say: Say

    async def __call__(
        self, folder: Path, steps: Sequence[Step], seed: int, seconds: float, sabotage: str = ""
    ) -> Result:
        """Inject faults for a number of seconds, end them, wait until the system is idle, and judge."""
        began, findings = time.monotonic(), Findings()
        system, workers = SystemUnderTest(self.stack, folder, sabotage), Workers(self.server, self.say)
        troublemaker = FaultInjector(self.stack, workers, FaultPointRegistry(folder), self.say)
        await self._open(system, workers, candidates=int(seconds * 60) + 500)
        async with client_traffic(system, findings) as ledger, progress_reports(self.say, ledger, workers):
            await asyncio.gather(troublemaker.carry_out(steps), asyncio.sleep(seconds))
            for point in await troublemaker.finish():
                findings.add("untried", f"no worker reached the fault point {point}")
            self.say("healed; waiting for the last answers")
            healed = time.monotonic()
        await workers.stop(["ticker-1"])
        await self._wait_until_drained(system, findings)
        idle_after = round(time.monotonic() - healed, 1)
        for worker, code in (await workers.stop(workers.names())).items():
            findings.add("unwell", f"{worker} ended with {code} after SIGTERM, or not within 15 s")
        facts = await gather(self.stack, system.name, system.prefix, folder)
        judge(facts, findings)
        counted = counts(facts, findings) | {"kills": workers.kills, "faults": troublemaker.faults()}
        counted |= {"idle_after": idle_after, "seed": seed, "seconds": round(time.monotonic() - began, 1)}
        return Result(counted, findings, workers.died)

    async def _open(self, system: SystemUnderTest, workers: Workers, candidates: int) -> None:
        connection = await self.stack.connect()
        async with connection.cursor() as cursor:
            await cursor.execute(f"CREATE DATABASE {system.name}")
        await connection.ensure_closed()
        await workers.finish(system.preparation(candidates))
        await system.stack.broker.prepare([system.prefix + topic_of(context) for context in CONTEXTS])
        await workers.start([system.vendors(), system.ticker(), *system.workers()])
        await asyncio.gather(*(opened(base_url) for base_url in system.base_urls))
        self.say(f"the office is open; its logs are in {system.folder}")

    async def _wait_until_drained(self, system: SystemUnderTest, findings: Findings) -> None:
        """Return when no work is in progress twice in a row."""
        began, moved, quiet, before = time.monotonic(), time.monotonic(), 0, dict[str, int]()
        while quiet < 2:
            left = await waiting(self.stack, system.name, system.prefix, system.name, system.folder)
            quiet = 0 if left else quiet + 1
            now = time.monotonic()
            if left != before:
                self.say(f"waiting for {left}")
                moved, before = now, left
            if left and (now - moved > STUCK or now - began > LONGEST_QUIET):
                findings.add("unfinished", f"there is no quiet after {now - began:.0f} s: {left}")
                return
            await asyncio.sleep(0.5)


async def opened(base_url: str) -> None:
    """Return when a server responds."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"{base_url}/health/live"):
                    return
            await asyncio.sleep(0.1)


def counts(facts: Facts, findings: Findings) -> dict[str, int]:
    """Return the figures of the last line, in order."""
    found = findings.counts()
    return {
        "acknowledged": sum(answer.status == 201 for answer in facts.answers),
        "stored": len(facts.submissions),
        **{kind: found[kind] for kind in found if kind != "dead_letters" and not kind.startswith(("stock_", "money_"))},
        "unknown": findings.unknown,
        "dead_letters": found["dead_letters"],
        "stock_commands": len(facts.stock.told),
        "stock_repeated": sum(told.times > 1 for told in facts.stock.told),
        "stock_lines": len(facts.stock.lines),
        **{kind: found[kind] for kind in found if kind.startswith("stock_")},
        "paid": len(facts.office.payments),
        "refunded": len(facts.book.refunded),
        "receipts": len(facts.office.receipts),
        **{kind: found[kind] for kind in found if kind.startswith("money_")},
    }
