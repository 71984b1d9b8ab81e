"""`bursar projections`: compare projections with the event log, and make them again from it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.progress import Progress

from core.kernel.pace import Pace
from core.messaging.list_projections import ProjectionSummary
from core.messaging.rebuild_report import OnProgress, RebuildReport
from core.messaging.verify_projection import ProjectionVerification
from entrypoints.cli.command_runner import EXIT_INTERRUPTED, AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.operations.projection_reports import summaries, summary, verification
from entrypoints.cli.options import Rate
from entrypoints.cli.runtime import Runtime

T = TypeVar("T")
ALL = "all"
Name = Annotated[str, typer.Argument(metavar="PROJECTION", help="Which, as `list` names them, or all.")]
Only = Annotated[
    UUID | None, typer.Option(metavar="ID", help="Restore the rows of one submission, fee or transfer alone.")
]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar projections list")
def list_(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """List what follows from the event log."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[ProjectionSummary]:
        return await runtime.use_cases.messaging.list_projections()

    runner.print(runner.run_provisioned(config, work), summaries, json=json)


@commands.command(epilog="Example: bursar projections verify all --config production.toml")
def verify(
    context: typer.Context, name: Name = ALL, rate: Rate = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Compare stored rows with the event log, and write nothing; exit with 1 if they differ."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> list[ProjectionVerification | None]:
        pace, verify_projection = Pace(rate, stop_on_signals()), runtime.use_cases.messaging.verify_projection
        found = list[ProjectionVerification | None]()
        for each in await names(runtime, name):
            with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
                found.append(await verify_projection(each, pace, shown(progress, f"verifying {each}", runtime)))
            if found[-1] is None:
                break
        return found

    found = complete(runner.run_provisioned(config, work), runner, "stopped before the end; nothing was written")
    runner.print(found, lambda results: "\n".join(map(verification, results)), json=json)
    if not all(each.is_right for each in found):
        raise typer.Exit(1)


@commands.command(epilog="Example: bursar projections rebuild inventory --config production.toml")
def rebuild(
    context: typer.Context,
    name: Name,
    only: Only = None,
    rate: Rate = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Rebuild a projection from the event log; readers see the old one until the new one is complete."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> list[RebuildReport | None]:
        if only is not None:
            return [await runtime.use_cases.messaging.restore_records(name, only)]
        pace, rebuild_projection = Pace(rate, stop_on_signals()), runtime.use_cases.messaging.rebuild_projection
        done = list[RebuildReport | None]()
        for each in await names(runtime, name):
            with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
                done.append(await rebuild_projection(each, pace, shown(progress, f"rebuilding {each}", runtime)))
            if done[-1] is None:
                break
        return done

    done = complete(runner.run_provisioned(config, work), runner, "stopped; readers still see the old projection")
    if name == ALL:
        runner.print(done, lambda reports: "\n".join(map(summary, reports)), json=json)
    else:
        runner.print(done[0], summary, json=json)


async def names(runtime: Runtime, name: str) -> Sequence[str]:
    """Return the named projection, or all of them."""
    known = await runtime.use_cases.messaging.list_projections()
    return [each.name for each in known] if name == ALL else [name]


def shown(progress: Progress, what: str, runtime: Runtime) -> OnProgress:
    """Show the progress from the time of the first event to now."""
    bar, began = progress.add_task(what, total=None), datetime.max.replace(tzinfo=UTC)

    def on_progress(_events: int, until: datetime) -> None:
        nonlocal began
        began = min(began, until)
        total, done = runtime.clock.now() - began, until - began
        progress.update(bar, total=total.total_seconds(), completed=done.total_seconds())

    return on_progress


def complete(results: Sequence[T | None], runner: CommandRunner, stopped: str) -> list[T]:
    """Return the results, or end the command if it was stopped before the last one."""
    if results[-1] is None:
        runner.err.print(stopped)
        raise typer.Exit(EXIT_INTERRUPTED)
    return [each for each in results if each is not None]
