"""One run: an office, its clients, its troubles, and at the end the count."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.client_traffic import Say, client_traffic, progress_reports
from tests.chaos.facts import Facts, gather, waiting
from tests.chaos.fault_injector import FaultInjector
from tests.chaos.fault_points import FaultPointRegistry
from tests.chaos.findings import Findings
from tests.chaos.judge import judge
from tests.chaos.plan import Step
from tests.chaos.servers import Stack
from tests.chaos.system import Office
from tests.chaos.workers import ForkServer, Workers

STUCK, LONGEST_QUIET = 60.0, 900.0
"""Seconds without any progress after which nothing more will come, and seconds after which nobody waits any longer."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    line: dict[str, Any]
    findings: Findings
    died: list[str]
    """Workers that ended by themselves: no promise, but nothing that should happen either."""

    @property
    def passed(self) -> bool:
        """Tell whether every promise was kept, and tried."""
        tried = self.line["acknowledged"] and self.line["stock_commands"]
        return tried > 0 and not any(self.findings.of.values())


@dataclass(frozen=True, slots=True)
class Run:
    """What runs have in common."""

    stack: Stack
    server: ForkServer
    say: Say

    async def __call__(
        self, folder: Path, steps: Sequence[Step], seed: int, seconds: float, sabotage: str = ""
    ) -> Result:
        """Let things go wrong for so many seconds, heal them, wait for quiet, and count."""
        began, findings = time.monotonic(), Findings()
        office, workers = Office(self.stack, folder, sabotage), Workers(self.server, self.say)
        troublemaker = FaultInjector(self.stack, workers, FaultPointRegistry(folder), self.say)
        await self._open(office, workers, candidates=int(seconds * 60) + 500)
        async with client_traffic(office, findings) as ledger, progress_reports(self.say, ledger, workers):
            await asyncio.gather(troublemaker.carry_out(steps), asyncio.sleep(seconds))
            for point in await troublemaker.finish():
                findings.add("untried", f"nobody reached the fault point {point}")
            self.say("healed; waiting for the last answers")
        await workers.stop(["ticker-1"])
        await self._wait_until_drained(office, findings)
        for worker, code in (await workers.stop(workers.names())).items():
            findings.add("unwell", f"{worker} ended with {code} after SIGTERM, or not within 15 s")
        facts = await gather(self.stack, office.name, office.prefix, folder)
        judge(facts, findings)
        counted = counts(facts, findings) | {"kills": workers.kills, "faults": troublemaker.faults()}
        return Result(counted | {"seed": seed, "seconds": round(time.monotonic() - began, 1)}, findings, workers.died)

    async def _open(self, office: Office, workers: Workers, candidates: int) -> None:
        connection = await self.stack.connect()
        async with connection.cursor() as cursor:
            await cursor.execute(f"CREATE DATABASE {office.name}")
        await connection.ensure_closed()
        await workers.finish(office.preparation(candidates))
        await workers.start([office.vendors(), office.ticker(), *office.workers()])
        await asyncio.gather(*(opened(door) for door in office.doors))
        self.say(f"the office is open; its logs are in {office.folder}")

    async def _wait_until_drained(self, office: Office, findings: Findings) -> None:
        """Return when twice in a row nothing was under way."""
        began, moved, quiet, before = time.monotonic(), time.monotonic(), 0, dict[str, int]()
        while quiet < 2:
            left = await waiting(self.stack, office.name, office.prefix, office.name)
            quiet = 0 if left else quiet + 1
            now = time.monotonic()
            if left != before:
                self.say(f"waiting for {left}")
                moved, before = now, left
            if left and (now - moved > STUCK or now - began > LONGEST_QUIET):
                findings.add("unfinished", f"there is no quiet after {now - began:.0f} s: {left}")
                return
            await asyncio.sleep(0.5)


async def opened(door: str) -> None:
    """Return when somebody answers there."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"{door}/health/live"):
                    return
            await asyncio.sleep(0.1)


def counts(facts: Facts, findings: Findings) -> dict[str, int]:
    """Return the numbers of the last line, in their order."""
    found = findings.counts()
    return {
        "acknowledged": sum(answer.status == 201 for answer in facts.answers),
        "stored": len(facts.submissions),
        **{kind: found[kind] for kind in found if kind != "dead_letters" and not kind.startswith("stock_")},
        "unknown": findings.unknown,
        "dead_letters": found["dead_letters"],
        "stock_commands": len(facts.stock.told),
        "stock_repeated": sum(told.times > 1 for told in facts.stock.told),
        "stock_lines": len(facts.stock.lines),
        **{kind: found[kind] for kind in found if kind.startswith("stock_")},
    }
