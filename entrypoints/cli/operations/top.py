"""`bursar top`: the office at work, in the terminal."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table

from core.kernel.authorization import Permission, current_principal
from core.kernel.signals import Signals
from core.kernel.text import escape_unprintable
from core.messaging.outbox import SHARD_COUNT
from core.notifications.vendor_standing import Breaker, VendorStanding
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.operations.process_metrics import rates, read_metrics
from entrypoints.cli.operations.waiting_work import WaitingWork, waiting_work
from entrypoints.cli.runtime import Runtime

At = Annotated[list[str] | None, typer.Option("--at", metavar="URL", help="Address of a process: http://host:8000.")]
Seconds = Annotated[float, typer.Option(min=0.2, max=60, help="The time between two readings.")]
Once = Annotated[bool, typer.Option("--once", help="Print one view and end, as also in a pipe.")]
commands = typer.Typer()


@dataclass(frozen=True, slots=True)
class ProcessView:
    """One process between two readings."""

    address: str
    fault: str
    per_second: Mapping[str, float]
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class View:
    """The office at one moment."""

    at: datetime
    schema: str
    waiting: Sequence[WaitingWork]
    relays: Mapping[str, int]
    """The number of shards of each relay."""
    blocked_aggregates: int
    vendors: Sequence[VendorStanding]
    processes: Sequence[ProcessView]


@commands.command(epilog="Example: bursar top --once --config production.toml --at http://127.0.0.1:8000")
def top(
    context: typer.Context,
    at: At = None,
    seconds: Seconds = 2.0,
    once: Once = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show what waits, who works, how fast, and which vendor rests, until Ctrl-C."""
    runner: CommandRunner = context.obj
    live = not (once or json) and runner.out.is_terminal

    async def work(runtime: Runtime) -> View:
        current_principal.get().require(Permission.SYSTEM_RUN)
        addresses, stop = at or (), stop_on_signals()
        if not live:
            return await view(runtime, addresses, seconds if addresses else 0, stop)
        with Live(console=runner.out, screen=True, auto_refresh=False) as screen:
            seen = await view(runtime, addresses, 0, stop)
            while not stop.is_set():
                screen.update(render(seen), refresh=True)
                seen = await view(runtime, addresses, seconds, stop)
            return seen

    last = runner.run_provisioned(config, work)
    runner.print(last, render, json=json)


async def view(runtime: Runtime, addresses: Sequence[str], seconds: float, stop: asyncio.Event) -> View:
    """Return the office after `seconds`, or when `stop` is set, with the rates in them."""
    began, before = time.monotonic(), await read_metrics(addresses)
    if seconds:
        await Signals.wait(stop, seconds)
    after, passed = await read_metrics(addresses), max(time.monotonic() - began, 0.001)
    state = await runtime.backlog.snapshot()
    return View(
        at=runtime.clock.now(),
        schema=await runtime.figures.schema(),
        waiting=await waiting_work(runtime, state),
        relays=state.relays,
        blocked_aggregates=len(state.blocked),
        vendors=await runtime.use_cases.notifications.list_vendor_standings(),
        processes=[
            ProcessView(now.address, now.fault, rates(then, now, passed), now.lag_seconds)
            for then, now in zip(before, after, strict=True)
        ],
    )


def render(seen: View) -> Group:
    """Return tables of a view."""
    head = f"Bursar at {seen.at:%Y-%m-%d %H:%M:%S} UTC · schema {seen.schema}"
    held = [f"{holder or 'no relay'}: {shards} of {SHARD_COUNT} shards" for holder, shards in seen.relays.items()]
    blocked = f"{seen.blocked_aggregates} aggregates blocked" if seen.blocked_aggregates else "none blocked"
    relays = f"relays: {', '.join(held) or 'none'}; {blocked}"
    return Group(head, waiting_table(seen), relays, vendors_table(seen), processes_table(seen))


def waiting_table(seen: View) -> Table:
    """Return what waits."""
    table = Table("waiting", "count", "oldest", box=None)
    for each in seen.waiting:
        age = f"{max((seen.at - each.oldest).total_seconds(), 0):,.0f} s" if each.oldest else ""
        table.add_row(each.kind, f"{each.count:,}", age)
    return table


def vendors_table(seen: View) -> Table | str:
    """Return the breakers by process."""
    if not seen.vendors:
        return "vendors: no dispatcher has reported in the last minute"
    table = Table("vendor", "breaker", "failures", "under way", "dispatcher", "why", box=None)
    for each in seen.vendors:
        failures, why = f"{each.failure_percent} % of {each.calls}", escape_unprintable(each.reason)
        style = "" if each.breaker is Breaker.CLOSED and not each.reason else "red"
        row = (f"{each.channel} {each.vendor}", str(each.breaker), failures, str(each.under_way), each.process, why)
        table.add_row(*row, style=style)
    return table


def processes_table(seen: View) -> Table | str:
    """Return the rates by process."""
    if not seen.processes:
        return "processes: name them with --at http://host:port"
    words = ("requests", "errors", "submissions", "published", "buried")
    table = Table("process", *(f"{word}/s" for word in words), "lag", box=None)
    for each in seen.processes:
        lag = f"{each.lag_seconds:,.1f} s" if each.lag_seconds is not None else ""
        numbers = [f"{each.per_second.get(word, 0):,.1f}" for word in words]
        table.add_row(each.address, *(["does not answer", each.fault] if each.fault else [*numbers, lag]))
    return table
