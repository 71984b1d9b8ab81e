"""`bursar projections`: build what people look at anew."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress

from core.shared.pace import Pace
from core.shared.rebuild_projection import Rebuilt
from entrypoints.cli.desk import AsJson, ConfigFile, Desk, listen_for_the_end
from entrypoints.cli.given import Rate
from entrypoints.cli.office import Office
from entrypoints.cli.settling import INTERRUPTED

Name = Annotated[str, typer.Argument(metavar="PROJECTION", help="Which: inventory.")]


def add_to(cli: typer.Typer, desk: Desk) -> None:
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

        async def work(office: Office) -> Rebuilt | None:
            pace.stop = listen_for_the_end()
            with Progress(console=desk.err, transient=True, disable=not desk.err.is_terminal) as progress:
                bar, first = progress.add_task("rebuilding", total=None), datetime.max.replace(tzinfo=UTC)

                def told(_events: int, until: datetime) -> None:
                    nonlocal first
                    first = min(first, until)
                    whole, done = office.clock.now() - first, until - first
                    progress.update(bar, total=whole.total_seconds(), completed=done.total_seconds())

                rebuilt: Rebuilt | None = await office.use_cases["rebuild_projection"]()(name, pace, told)
                return rebuilt

        found = desk.work_in(config, work)
        if found is None:
            desk.err.print("stopped; what was read before is read still")
            raise typer.Exit(INTERRUPTED)
        if json:
            desk.print_json(found)
        else:
            done = f"{found.projection} was built anew from {found.events:,} events and is read now"
            desk.out.print(f"{done}; {found.forgotten:,} older rows were deleted", soft_wrap=True)
