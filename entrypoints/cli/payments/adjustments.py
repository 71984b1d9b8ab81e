"""`bursar adjust`: what a corrected tariff proposes, and the decisions about it."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from core.kernel.decisions import Choice
from core.kernel.errors import CoreError, problem_type
from core.kernel.money import format_amount
from core.payments.adjustment import AdjustmentState
from core.payments.list_adjustments import AdjustmentPage, AdjustmentView
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Why
from entrypoints.cli.runtime import Runtime

PER_PAGE = 100
State = Annotated[AdjustmentState, typer.Option("--state", help="Open ones need a decision.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Ids = Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="As `list` shows them.")]
Everything = Annotated[str | None, typer.Option("--all-of", metavar="SCHEDULE", help="All open ones of a schedule.")]
commands = typer.Typer()
Outcomes = Mapping[UUID, AdjustmentView | CoreError]


@commands.command("list", epilog="Example: bursar adjust list")
def list_of_state(
    context: typer.Context,
    state: State = AdjustmentState.OPEN,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List adjustments of one state, in the order of their ids."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> AdjustmentPage:
        return await runtime.use_cases.payments.list_adjustments(state, after, PER_PAGE)

    page = runner.run_provisioned(config, work)
    runner.print(page, adjustments_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar adjust decide approve ID ID --why 'as the board resolved on 3 November'")
def decide(
    context: typer.Context,
    choice: Annotated[Choice, typer.Argument(metavar="approve|refuse")],
    why: Why,
    adjustments: Ids = None,
    schedule: Everything = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Approve or refuse adjustments, as another person than the one who had the fees priced again."""
    runner: CommandRunner = context.obj
    refused = 0

    def show(outcomes: Outcomes) -> None:
        nonlocal refused
        for each, outcome in outcomes.items():
            if isinstance(outcome, CoreError):
                refused += 1
                runner.err.print(f"{each}: {problem_type(type(outcome))}: {outcome}", soft_wrap=True)
            else:
                runner.print(outcome, line, json=json)

    async def work(runtime: Runtime) -> None:
        if adjustments:
            show(await runtime.use_cases.payments.decide_adjustments(adjustments, choice, why))
        after: UUID | None = None
        while schedule:
            page = await runtime.use_cases.payments.list_adjustments(AdjustmentState.OPEN, after, PER_PAGE)
            some = [each.adjustment for each in page.items if each.schedule == schedule]
            show(await runtime.use_cases.payments.decide_adjustments(some, choice, why))
            if (after := page.next) is None:
                return

    runner.run_provisioned(config, work)
    if refused:
        raise typer.Exit(3)


def line(adjustment: AdjustmentView) -> str:
    """Return one line about an adjustment."""
    before, after = format_amount(adjustment.before), format_amount(adjustment.after)
    return f"{adjustment.reference}: the {adjustment.kind} is {adjustment.state}, {before} → {after}"


def adjustments_table(page: AdjustmentPage) -> Table:
    """Return one row for each adjustment."""
    table = Table("id", "fee", "schedule", "what", "before", "after", "asked by", box=None)
    for each in page.items:
        amounts = (format_amount(each.before), format_amount(each.after))
        schedule = f"{each.schedule} {each.schedule_version}"
        table.add_row(str(each.adjustment), each.reference, schedule, each.kind, *amounts, each.asked_by)
    return table
