"""`bursar demo`: candidates submit fees to failing vendors, and the messages are counted at the vendors."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer
from rich.progress import Progress
from rich.table import Table

from entrypoints.cli.command_runner import AsJson, CommandRunner
from entrypoints.cli.runtime import Runtime, StartupReport

if TYPE_CHECKING:
    import aiohttp

SCHEDULE = "sahyadri-semester"
MAX_CONCURRENT_SUBMISSIONS = 16
IDLE_TIMEOUT_SECONDS = 120.0
"""Without a new message for so long, the demonstration stops waiting for the rest."""
POLL_INTERVAL_SECONDS = 0.1
Candidates = Annotated[int, typer.Option(min=1, max=100_000)]
Failing = Annotated[int, typer.Option(min=0, max=90, help="Per cent of calls that the vendors refuse.")]
commands = typer.Typer()


class DemoResult(msgspec.Struct, kw_only=True):
    """What was submitted, and what the vendors took."""

    submitted: int
    confirmed: int
    paid: int
    receipts: int
    emails: int
    sms: int
    lost: int
    duplicates: int
    seconds: float


@commands.command(epilog="Example: bursar demo --candidates 500")
def demo(context: typer.Context, candidates: Candidates = 500, failing: Failing = 10, json: AsJson = False) -> None:
    """Run the story in a temporary folder, with vendors that fail, and count what arrived."""
    runner: CommandRunner = context.obj
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "vendors.jsonl"

        async def work(runtime: Runtime) -> DemoResult:
            with Progress(console=runner.err, transient=True) as progress:
                return await run_demo(runtime, candidates, record, progress)

        result = runner.run(None, work, demo_settings(folder, record, failing))
    runner.print(result, result_table, json=json)
    if result.lost or result.duplicates or {result.submitted, result.paid, result.receipts} != {candidates}:
        raise typer.Exit(1)


def demo_settings(folder: str, record: Path, failing: int) -> Mapping[str, Any]:
    """Return the settings in which the demonstration differs from the local profile."""
    return {
        "adapters": {"persistence": "sqlite", "events": "embedded", "email": ["sandbox"], "sms": ["sandbox"]},
        "http": {"port": 0},
        "sqlite": {"path": f"{folder}/bursar.db"},
        "sandbox": {"record_path": str(record), "book_path": f"{folder}/payments.jsonl", "failure_percent": failing},
        "telemetry": {"level": "error"},
    }


async def run_demo(runtime: Runtime, candidates: int, record: Path, progress: Progress) -> DemoResult:
    """Submit a fee for each candidate over HTTP, and wait for the messages at the vendors."""
    import aiohttp  # no other command needs a client

    began = time.monotonic()
    async with serving(runtime) as report, aiohttp.ClientSession(report.url, headers=credential(report)) as client:
        await enrol(client, candidates)
        submitting = progress.add_task("submitting", total=candidates)
        slots = asyncio.Semaphore(MAX_CONCURRENT_SUBMISSIONS)

        async def submit(number: int) -> str:
            async with slots:
                reference = await submit_one(client, number)
                await pay(client, reference)
            progress.advance(submitting)
            return reference

        references = await asyncio.gather(*(submit(number) for number in range(candidates)))
        arriving = progress.add_task("e-mails and SMS", total=2 * candidates)
        await wait_for_messages(record, 2 * candidates, lambda count: progress.update(arriving, completed=count))
        paid = sum([await is_paid(client, reference) for reference in references])
        receipts = len(await runtime.use_cases.receipts.list_receipts(limit=2 * candidates))
    counted = count_messages(references, read_record(record), time.monotonic() - began)
    return msgspec.structs.replace(counted, paid=paid, receipts=receipts)


@asynccontextmanager
async def serving(runtime: Runtime) -> AsyncIterator[StartupReport]:
    """Serve in the background, and return what the start reports."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def on_started(report: StartupReport) -> None:
        started.set_result(report)

    task = asyncio.create_task(runtime.serve(on_started, stop))
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield await started
    finally:
        stop.set()
        await task


def credential(report: StartupReport) -> Mapping[str, str]:
    """Return the header with the key that the start created."""
    return {"Authorization": f"Bearer {report.api_key}"}


async def enrol(client: "aiohttp.ClientSession", candidates: int) -> None:
    """Import a roster of candidates."""
    rows = ["registration,name,category,email,phone"]
    rows += [f"DEMO-{n},Candidate {n},student,candidate.{n}@example.org,+9190{n:08}" for n in range(candidates)]
    response = await client.post("/v1/students:import", data="\n".join(rows), headers={"Content-Type": "text/csv"})
    response.raise_for_status()


async def submit_one(client: "aiohttp.ClientSession", number: int) -> str:
    """Submit the fee of one candidate, again after each 503, and return its reference."""
    body = {"schedule": SCHEDULE, "registration": f"DEMO-{number}"}
    while True:
        async with client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": f"demo-{number}"}) as response:
            if response.status != 503:
                response.raise_for_status()
                return str((await response.json())["reference"])
            await asyncio.sleep(float(response.headers["Retry-After"]))


async def pay(client: "aiohttp.ClientSession", reference: str) -> None:
    """Open a payment, and pay it at the page of the simulated gateway."""
    opening = f"/v1/exam-fees/{reference}/payments"
    while True:
        async with client.post(opening, headers={"Idempotency-Key": f"pay-{reference}"}) as response:
            if response.status != 503:
                response.raise_for_status()
                page = urlsplit((await response.json())["checkout"]["url"])
                break
            await asyncio.sleep(float(response.headers["Retry-After"]))  # the fee is charged within a moment
    async with client.post(page.path, data={"outcome": "paid"}) as response:
        response.raise_for_status()


async def is_paid(client: "aiohttp.ClientSession", reference: str) -> bool:
    """Return whether nothing is owed by the ledger, within a moment."""
    for _ in range(100):
        async with client.get(f"/v1/exam-fees/{reference}/payments") as response:
            shown = await response.json()
        if response.status == 200 and shown["status"] == "paid" and shown["owed"]["minor"] == 0:
            return True
        await asyncio.sleep(POLL_INTERVAL_SECONDS)
    return False


async def wait_for_messages(record: Path, expected: int, on_count: Callable[[int], None]) -> None:
    """Return when the vendors have taken `expected` messages, or no new one for `IDLE_TIMEOUT_SECONDS`."""
    count, since = -1, time.monotonic()
    while count < expected and time.monotonic() - since < IDLE_TIMEOUT_SECONDS:
        if (found := len(read_record(record))) != count:
            count, since = found, time.monotonic()
            on_count(count)
        await asyncio.sleep(POLL_INTERVAL_SECONDS)


def read_record(record: Path) -> list[dict[str, str]]:
    """Return the messages that the sandbox vendors have recorded."""
    if not record.exists():
        return []
    lines = record.read_bytes().split(b"\n")[:-1]  # the last line may be incomplete
    return [json.loads(line) for line in lines]


def count_messages(references: list[str], messages: list[dict[str, str]], seconds: float) -> DemoResult:
    """Compare submissions with messages: one e-mail and one SMS are due for each reference."""
    named = {channel: Counter(named_references(references, messages, channel)) for channel in ("email", "sms")}
    emails, sms = named["email"], named["sms"]
    return DemoResult(
        submitted=len(set(references)),
        confirmed=len(emails.keys() & sms.keys()),
        paid=0,
        receipts=0,
        emails=emails.total(),
        sms=sms.total(),
        lost=2 * len(references) - len(emails) - len(sms),
        duplicates=emails.total() + sms.total() - len(emails) - len(sms),
        seconds=round(seconds, 2),
    )


def named_references(references: list[str], messages: list[dict[str, str]], channel: str) -> list[str]:
    """Return the references that the messages of a channel name."""
    known = set(references)
    texts = [f"{each.get('subject', '')} {each.get('text', '')}" for each in messages if each["channel"] == channel]
    words = [word.strip(".,:") for text in texts for word in text.split()]
    return [word for word in words if word in known]


def result_table(result: DemoResult) -> Table:
    """Return a table of the counts."""
    table = Table("", "", show_header=False, box=None)
    for name, value in msgspec.to_builtins(result).items():
        table.add_row(name, f"{value:,}")
    return table
