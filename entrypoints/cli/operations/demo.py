"""`bursar demo`: the whole story on one machine, counted from the vendors' side."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.progress import Progress
from rich.table import Table

from entrypoints.cli.command_runner import AsJson, CommandRunner
from entrypoints.cli.runtime import Runtime, StartupReport

SCHEDULE = "sahyadri-semester"
MAX_CONCURRENT_SUBMISSIONS = 16
if TYPE_CHECKING:
    import aiohttp

IDLE_TIMEOUT_SECONDS = 120.0
"""Seconds without a new message after which we stop waiting for the rest."""


class DemoResult(msgspec.Struct, kw_only=True):
    """What the story came to."""

    submitted: int
    confirmed: int
    emails: int
    sms: int
    lost: int
    duplicates: int
    seconds: float


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar demo --candidates 500")
    def demo(
        candidates: Annotated[int, typer.Option(min=1, max=100_000)] = 500,
        failing: Annotated[int, typer.Option(min=0, max=90, help="Per cent of calls that the vendors refuse.")] = 10,
        json: AsJson = False,
    ) -> None:
        """Run the story in a temporary folder, with vendors that fail, and count what arrived."""
        with tempfile.TemporaryDirectory() as folder:
            record = Path(folder) / "vendors.jsonl"

            async def work(office: Runtime) -> DemoResult:
                with Progress(console=runner.err, transient=True) as progress:
                    return await story(office, candidates, record, progress)

            outcome = runner.run(None, work, settings(folder, record, failing))
        if json:
            runner.print_json(outcome)
        else:
            runner.out.print(as_table(outcome))
        if outcome.lost or outcome.duplicates or outcome.submitted != candidates:
            raise typer.Exit(1)


def settings(folder: str, record: Path, failing: int) -> Mapping[str, Any]:
    """Return what is different about the demonstration."""
    return {
        "adapters": {"persistence": "sqlite", "events": "embedded", "email": ["sandbox"], "sms": ["sandbox"]},
        "http": {"port": 0},
        "sqlite": {"path": f"{folder}/bursar.db"},
        "sandbox": {"record": str(record), "failing_percent": failing},
        "telemetry": {"level": "error"},
    }


async def story(office: Runtime, candidates: int, record: Path, progress: Progress) -> DemoResult:
    """Let candidates submit over HTTP, and wait until the vendors have heard of them all."""
    import aiohttp  # no other command needs a client

    began = time.monotonic()
    async with opened(office) as url, aiohttp.ClientSession(url) as client:
        await enrol(client, candidates)
        submitting = progress.add_task("submitting", total=candidates)
        turns = asyncio.Semaphore(MAX_CONCURRENT_SUBMISSIONS)

        async def submit(number: int) -> str:
            async with turns:
                reference = await submit_one(client, number)
            progress.advance(submitting)
            return reference

        references = await asyncio.gather(*(submit(number) for number in range(candidates)))
        arriving = progress.add_task("e-mails and SMS", total=2 * candidates)
        await arrive(record, 2 * candidates, lambda count: progress.update(arriving, completed=count))
    return count(references, read(record), time.monotonic() - began)


@asynccontextmanager
async def opened(office: Runtime) -> AsyncIterator[str]:
    """Serve in the background, and return the address."""
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def note(served: StartupReport) -> None:
        address.set_result(served.url)

    serving = asyncio.create_task(office.serve(note, stop))
    await asyncio.wait({serving, address}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    try:
        yield await address
    finally:
        stop.set()
        await serving


async def enrol(client: "aiohttp.ClientSession", candidates: int) -> None:
    """Put candidates on the roster."""
    rows = ["registration,name,category,email,phone"]
    rows += [f"DEMO-{n},Candidate {n},student,candidate.{n}@example.org,+9190{n:08}" for n in range(candidates)]
    answer = await client.post("/v1/students:import", data="\n".join(rows), headers={"Content-Type": "text/csv"})
    answer.raise_for_status()


async def submit_one(client: "aiohttp.ClientSession", number: int) -> str:
    """Submit the fee of one candidate as a careful client does, and return its reference."""
    body = {"schedule": SCHEDULE, "registration": f"DEMO-{number}"}
    while True:
        async with client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": f"demo-{number}"}) as answer:
            if answer.status != 503:
                answer.raise_for_status()
                return str((await answer.json())["reference"])
            await asyncio.sleep(float(answer.headers["Retry-After"]))


async def arrive(record: Path, expected: int, counted: Any) -> None:
    """Wait until the vendors have taken as many messages as they should, or take no more."""
    seen, since = -1, time.monotonic()
    while seen < expected and time.monotonic() - since < IDLE_TIMEOUT_SECONDS:
        if (now := len(read(record))) != seen:
            seen, since = now, time.monotonic()
            counted(seen)
        await asyncio.sleep(0.1)


def read(record: Path) -> list[dict[str, str]]:
    """Read what the vendors wrote down."""
    if not record.exists():
        return []
    lines = record.read_bytes().split(b"\n")[:-1]  # the last may still be being written
    return [json.loads(line) for line in lines]


def count(references: list[str], messages: list[dict[str, str]], seconds: float) -> DemoResult:
    """Compare what was submitted with what the vendors took: one e-mail and one SMS for each reference."""
    heard = {channel: Counter(named(references, messages, channel)) for channel in ("email", "sms")}
    emails, sms = heard["email"], heard["sms"]
    return DemoResult(
        submitted=len(set(references)),
        confirmed=len(emails.keys() & sms.keys()),
        emails=emails.total(),
        sms=sms.total(),
        lost=2 * len(references) - len(emails) - len(sms),
        duplicates=emails.total() + sms.total() - len(emails) - len(sms),
        seconds=round(seconds, 2),
    )


def named(references: list[str], messages: list[dict[str, str]], channel: str) -> list[str]:
    """Return the reference that each message of a channel names."""
    known = set(references)
    theirs = [message for message in messages if message["channel"] == channel]
    words = [f"{message.get('subject', '')} {message.get('text', '')}".split() for message in theirs]
    return [word.strip(".,:") for text in words for word in text if word.strip(".,:") in known]


def as_table(outcome: DemoResult) -> Table:
    """Show the outcome to a person."""
    table = Table("", "", show_header=False, box=None)
    for name, value in msgspec.to_builtins(outcome).items():
        table.add_row(name, f"{value:,}")
    return table
