"""`bursar reprice`: what a corrected version of a schedule changes for fees of older ones."""

from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.progress import Progress
from rich.table import Table

from core.fees.repricing import IN_WORK, RepricingView
from core.kernel.authorization import SYSTEM, acting_as
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money, format_amount
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.fees.exam_fees import Schedule
from entrypoints.cli.options import Why
from entrypoints.cli.runtime import Runtime

Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `count` shows it.")]
Confirm = Annotated[int, typer.Option(min=0, help="The changes that `count` shows.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar reprice count cbse-2020-xii")
def count(context: typer.Context, schedule: Schedule, config: ConfigFile = None, json: AsJson = False) -> None:
    """Count what the newest version changes for the fees of older ones; nothing is changed."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RepricingView:
        asked = RequestContext(arrived=runtime.clock.now(), scope="cli reprice", key=str(uuid4()))
        counted = await runtime.use_cases.fees.request_repricing(schedule, asked)
        return await to_its_end(runtime, runner, counted)

    runner.print(runner.run_provisioned(config, work), report, json=json)


@commands.command(epilog="Example: bursar reprice start ID --confirm 812 --why 'the price of paper 041 was wrong'")
def start(
    context: typer.Context, repricing: Id, confirm: Confirm, why: Why, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Make an adjustment of each counted difference; another person decides about them with `bursar adjust`."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RepricingView:
        started = await runtime.use_cases.fees.start_repricing(repricing, confirm, why)
        return await to_its_end(runtime, runner, started)

    runner.print(runner.run_provisioned(config, work), report, json=json)


@commands.command(epilog="Example: bursar reprice show ID")
def show(context: typer.Context, repricing: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show how far a repricing is, and what it changes."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RepricingView:
        return await runtime.use_cases.fees.show_repricing(repricing)

    runner.print(runner.run_provisioned(config, work), report, json=json)


async def to_its_end(runtime: Runtime, runner: CommandRunner, repricing: RepricingView) -> RepricingView:
    """Do the work together with the schedulers; if this command is stopped, they finish it."""
    with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
        bar = progress.add_task(repricing.state, total=repricing.total or None)
        while repricing.state in IN_WORK:
            with acting_as(SYSTEM):
                await runtime.use_cases.fees.reprice_submissions()
            repricing = await runtime.use_cases.fees.show_repricing(repricing.id)
            progress.update(bar, completed=repricing.figures.submissions)
    return repricing


def report(repricing: RepricingView) -> Table:
    """Return the figures, one a row."""
    figures, currency = repricing.figures, repricing.currency
    table = Table(f"{repricing.schedule}, version {repricing.version}", repricing.state, box=None)
    table.add_row("repricing", str(repricing.id))
    table.add_row("submissions of older versions", f"{figures.submissions:,}")
    table.add_row("unchanged", f"{figures.unchanged:,}")
    for what, number, minor in (
        ("demands", figures.demands, figures.demanded_minor),
        ("refunds", figures.refunds, figures.refunded_minor),
    ):
        table.add_row(what, f"{number:,} of {format_amount(Money(minor, currency))}")
    table.add_row("for other heads", f"{figures.transfers:,}")
    table.add_row("left to a person", f"{figures.unpriced:,} {' '.join(repricing.unpriced)}".rstrip())
    table.add_row("changes", f"{repricing.changes:,}")
    return table
