"""`just chaos`: run the system under faults, and count violations of its guarantees."""

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.chaos.faults import every_fault
from tests.chaos.plan import Step, draw, repeated
from tests.chaos.run import Result, Run
from tests.chaos.servers import running_stack
from tests.chaos.workers import fork_server

MAX_FINDINGS_SHOWN = 20


def main() -> None:
    """Run once, and print the result as the last line."""
    words = argparse.ArgumentParser(prog="just chaos", description=__doc__)
    words.add_argument("--minutes", type=float, default=1.2, help="how long things go wrong (default: %(default)s)")
    words.add_argument("--kills", type=int, help="how many workers are killed meanwhile (default: 25 a minute)")
    words.add_argument("--seed", type=int, default=1, help="the same seed, the same plan (default: %(default)s)")
    words.add_argument(
        "--fault", choices=sorted(every_fault()), metavar="NAME", help="only this fault, again and again"
    )
    words.add_argument("--events", choices=["kafka", "rabbitmq"], default="kafka", help="the broker")
    chosen = words.parse_args()
    for client in ("aiokafka", "aiormq"):
        logging.getLogger(client).setLevel(logging.CRITICAL)  # the client logs each broker that the plan stops
    folder = Path(tempfile.mkdtemp(prefix="bursar-chaos-"))
    kills = chosen.kills if chosen.kills is not None else round(chosen.minutes * 25)
    seconds = chosen.minutes * 60
    steps = repeated(chosen.fault, seconds) if chosen.fault else draw(chosen.seed, seconds, kills)
    result = asyncio.run(run(folder, steps, chosen.seed, seconds, chosen.events))
    report(result, folder)
    sys.stdout.write(json.dumps(result.line) + "\n")
    sys.exit(0 if result.passed else 1)


async def run(folder: Path, steps: Sequence[Step], seed: int, seconds: float, events: str) -> Result:
    """Start the servers, and run once."""
    console = Console(stderr=True, highlight=False, markup=False)
    with console.status("starting MySQL, the broker, Toxiproxy") as status:
        async with running_stack(events) as stack, fork_server() as server:
            say = speaker(console, status.update)
            return await Run(stack, server, say)(folder, steps, seed, seconds)


def speaker(console: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """Return an output function: progress is a status line on a terminal, all else is printed."""

    def say(text: str) -> None:
        if console.is_terminal and " acknowledged, " in text:
            update(text)
        else:
            console.print(text, soft_wrap=True)

    return say


def report(result: Result, folder: Path) -> None:
    """Print the findings with their ids, and the logs of workers that died."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if result.findings.of["unfinished"]:
        console.print("there was no quiet: what was still under way counts as lost")
    for kind, found in result.findings.of.items():
        for what in found[:MAX_FINDINGS_SHOWN]:
            console.print(f"{kind}: {what}")
        if len(found) > MAX_FINDINGS_SHOWN:
            console.print(f"{kind}: … and {len(found) - MAX_FINDINGS_SHOWN} more")
    if not result.line["acknowledged"] or not result.line["stock_commands"]:
        console.print("nothing was acknowledged: this run proves nothing")
    for worker in result.died:
        console.print(f"worth a look: {worker}")
    if result.passed and not result.died:
        shutil.rmtree(folder)
    else:
        (folder / "findings.json").write_text(json.dumps(result.findings.of, indent=1))
        console.print(f"findings and logs are in {folder}")


if __name__ == "__main__":
    main()
