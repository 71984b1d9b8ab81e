"""`bursar doctor`, `migrate`, `topics` and `outbox`: commands of the operators."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.table import Table

from core.kernel.authorization import Permission, current_principal
from core.kernel.errors import Unavailable
from core.kernel.health import DependencyStatus, check_probe
from core.kernel.schema import DataWouldBeLost, SchemaChange
from core.kernel.text import escape_unprintable
from core.messaging.outbox import SHARD_COUNT, OutboxState
from entrypoints.cli.command_runner import EXIT_CODES, AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

Target = Annotated[str, typer.Option(help="head, base, a revision, or steps from here: +1, -1.")]
MayLoseData = Annotated[bool, typer.Option("--yes", help="Go down although rows or columns are deleted.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar doctor --config /etc/bursar/production.toml")
def doctor(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Check the configuration, and reach everything it names."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> list[DependencyStatus]:
        with suppress(Unavailable):  # the probe of the database reports it
            await runtime.provision()
        return list(await asyncio.gather(*(check_probe(probe) for probe in runtime.probes())))

    results = runner.run(config, work)
    runner.print_json(results) if json else print_probes(runner, results)
    if not all(each.ready for each in results):
        raise typer.Exit(EXIT_CODES[Unavailable])


@commands.command(epilog="Example: bursar migrate --config production.toml")
def migrate(
    context: typer.Context,
    config: ConfigFile = None,
    to: Target = "head",
    yes: MayLoseData = False,
    json: AsJson = False,
) -> None:
    """Bring the schema of the database to the version this program needs, or to another one."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> SchemaChange:
        try:
            return await runtime.migrate(to, may_lose_data=yes)
        except DataWouldBeLost as error:
            if not (sys.stdin.isatty() and typer.confirm(f"{error}\nGo on?")):
                raise DataWouldBeLost(f"{error}: nothing was done; repeat the command with --yes") from error
        return await runtime.migrate(to, may_lose_data=True)

    change = runner.run(config, work)
    result = {"from": change.before, "to": change.after, "newest": change.newest}
    moved = change.before != change.after
    text = "migrated from {from} to {to}" if moved else "the schema is at {to}: nothing to do"
    runner.print(result, f"{text}; this program needs {{newest}}".format_map, json=json)


@commands.command(epilog="Example: bursar topics --config production.toml")
def topics(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Create the topics that are missing, correct the settings that Bursar owns, and show what was changed."""
    runner: CommandRunner = context.obj
    runner.print(runner.run(config, lambda runtime: runtime.topics()), topics_table, json=json)


@commands.command(epilog="Example: bursar outbox --config production.toml")
def outbox(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show the events that wait for the broker, who is to send them, and which are refused."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> OutboxState:
        current_principal.get().require(Permission.SYSTEM_RUN)
        return await runtime.backlog.snapshot()

    state = runner.run_provisioned(config, work)
    runner.print(state, lambda state: "\n".join(outbox_lines(state)), json=json)


def print_probes(runner: CommandRunner, results: Sequence[DependencyStatus]) -> None:
    """Print the results of all probes."""
    runner.out.print("✓ configuration", style="green")
    for each in results:
        mark, style = ("✓", "green") if each.ready else ("✗", "red")
        runner.out.print(f"{mark} {each.name} · {escape_unprintable(each.detail)}", style=style, soft_wrap=True)
        if not each.ready:
            runner.out.print("  →", each.remedy, soft_wrap=True)


def topics_table(topics: Sequence[Any]) -> Table:
    """Return a table of topics."""
    table = Table("topic", "partitions", "replicas", "settings", "")
    for each in topics:
        settings = ", ".join(f"{name}={value}" for name, value in each.settings.items())
        changed = ", ".join(f"{name} was {value}" for name, value in each.changed.items())
        table.add_row(each.name, str(each.partitions), str(each.replicas), settings, "new" if each.created else changed)
    return table


def outbox_lines(state: OutboxState) -> Iterator[str]:
    """Return the backlog, the shards of each relay, and the blocked aggregates as lines of text."""
    since = f", the oldest since {state.oldest:%Y-%m-%d %H:%M:%S} UTC" if state.oldest else ""
    yield f"{state.waiting} events wait{since}"
    for relay, shards in state.relays.items():
        yield f"{relay or 'no relay'}: {shards} of {SHARD_COUNT} shards"
    for each in state.blocked:
        blocked = f"blocked: event {each.event} after {each.attempts} attempts, next {each.until:%H:%M:%S} UTC"
        yield f"{blocked}: {escape_unprintable(each.reason)}"
