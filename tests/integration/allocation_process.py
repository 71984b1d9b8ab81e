"""One process that allocates as fast as it can, and counts the results.

python -m tests.integration.allocation_process NAME LINES      the configuration is in the environment

It reports that it is ready, waits for a line of input, and prints the number of each result as JSON.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import config
from config.container import Application, running
from config.settings_file import load
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.kernel.authorization import SYSTEM, current_principal
from core.kernel.idempotency import RequestContext
from tests.examples import NOON

AT_ONCE, TOGETHER = 4, 5
"""Concurrent transactions, and lines in each."""


async def main(name: str, lines: int) -> None:
    settings = load(Path(config.__file__).parent / "local.toml", os.environ)
    demands = [AllocationDemand(order=f"{name}-{number}", sku="KIT", quantity=1) for number in range(lines)]
    left = [AllocationRequest(demand, RequestContext(arrived=NOON)) for demand in demands]
    answers = Counter[str]()
    current_principal.set(SYSTEM)
    async with running(Application(settings=settings)) as application:
        allocate = application.use_cases().inventory.allocate_lines

        async def work_off() -> None:
            while left:
                group = [left.pop() for _ in range(min(TOGETHER, len(left)))]
                try:
                    answers.update(type(outcome).__name__ for outcome in await allocate(group))
                except Exception as error:
                    answers.update([repr(error)] * len(group))

        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(work_off() for _ in range(AT_ONCE)))
    say(json.dumps(answers))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
