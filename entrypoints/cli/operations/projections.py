"""`bursar projections`: build what people look at anew."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress

from core.kernel.pace import Pace
from core.messaging.rebuild_projection import RebuildReport
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.operations.bulk_dead_letters import EXIT_INTERRUPTED
from entrypoints.cli.options import Rate
from entrypoints.cli.runtime import Runtime

Name = Annotated[str, typer.Argument(metavar="PROJECTION", help="Which: inventory.")]


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""
    projections = typer.Typer(help="What people look at, kept up to date by events.", no_args_is_help=True)
    cli.add_typer(projections, name="projections")

    @projections.callback()
    def group() -> None:
        """Keep `rebuild` a command of a group, though it is the only one."""

    @projections.command(epilog="Example: bursar projections rebuild inventory --config production.toml")
    def rebuild(name: Name, rate: Rate = None, config: ConfigFile = None, json: AsJson = False) -> None:
        """Build a projection anew from the log of events, while it is read; nobody sees it before it is complete."""
        pace = Pace(rate)

        async def work(office: Runtime) -> RebuildReport | None:
            pace.stop = stop_on_signals()
            with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
                bar, first = progress.add_task("rebuilding", total=None), datetime.max.replace(tzinfo=UTC)

                def told(_events: int, until: datetime) -> None:
                    nonlocal first
                    first = min(first, until)
                    whole, done = office.clock.now() - first, until - first
                    progress.update(bar, total=whole.total_seconds(), completed=done.total_seconds())

                rebuilt: RebuildReport | None = await office.use_cases["rebuild_projection"]()(name, pace, told)
                return rebuilt

        found = runner.run_provisioned(config, work)
        if found is None:
            runner.err.print("stopped; what was read before is read still")
            raise typer.Exit(EXIT_INTERRUPTED)
        if json:
            runner.print_json(found)
        else:
            done = f"{found.projection} was built anew from {found.events:,} events and is read now"
            runner.out.print(f"{done}; {found.forgotten:,} older rows were deleted", soft_wrap=True)
