"""`bursar projections`: rebuild the projections."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress

from core.kernel.pace import Pace
from core.messaging.rebuild_projection import RebuildReport
from entrypoints.cli.command_runner import EXIT_INTERRUPTED, AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.options import Rate
from entrypoints.cli.runtime import Runtime

Name = Annotated[str, typer.Argument(metavar="PROJECTION", help="Which: inventory.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar projections rebuild inventory --config production.toml")
def rebuild(
    context: typer.Context, name: Name, rate: Rate = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Rebuild a projection from the event log; readers see the old one until the new one is complete."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RebuildReport | None:
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar, began = progress.add_task("rebuilding", total=None), datetime.max.replace(tzinfo=UTC)

            def on_progress(_events: int, until: datetime) -> None:
                nonlocal began
                began = min(began, until)
                total, done = runtime.clock.now() - began, until - began
                progress.update(bar, total=total.total_seconds(), completed=done.total_seconds())

            pace = Pace(rate, stop_on_signals())
            return await runtime.use_cases.messaging.rebuild_projection(name, pace, on_progress)

    report = runner.run_provisioned(config, work)
    if report is None:
        runner.err.print("stopped; readers still see the old projection")
        raise typer.Exit(EXIT_INTERRUPTED)
    runner.print(report, summary, json=json)


def summary(report: RebuildReport) -> str:
    """Return what a rebuild has read and deleted."""
    done = f"{report.projection} was built anew from {report.events:,} events and is read now"
    return f"{done}; {report.forgotten:,} older rows were deleted"
