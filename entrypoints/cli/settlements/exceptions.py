"""`bursar settlements`: what settlement files and the office tell differently."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from core.kernel.money import format_amount
from core.settlements.list_exceptions import ExceptionPage, ExceptionView
from core.settlements.settle_exception import ExceptionVerdict
from core.settlements.settlement_line import ExceptionKind, ExceptionState
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Why
from entrypoints.cli.runtime import Runtime

PER_PAGE = 100
State = Annotated[ExceptionState, typer.Option("--state", help="Open ones wait for you.")]
Kind = Annotated[ExceptionKind | None, typer.Option("--kind", help="Only of this kind.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
Verdict = Annotated[ExceptionVerdict, typer.Option("--as", help="accept posts it as the gateway tells it.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar settlements list --kind amount")
def list_of_state(
    context: typer.Context,
    state: State = ExceptionState.OPEN,
    kind: Kind = None,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the exceptions of one state."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ExceptionPage:
        return await runtime.use_cases.settlements.list_exceptions(state, kind, after, PER_PAGE)

    page = runner.run_provisioned(config, work)
    runner.print(page, exceptions_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar settlements settle ID --as dismiss --why 'corrected in the next file'")
def settle(
    context: typer.Context, exception: Id, verdict: Verdict, why: Why, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Post an exception as the gateway tells it, or dismiss it; a second decision is refused."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ExceptionView:
        return await runtime.use_cases.settlements.settle_exception(exception, verdict, why)

    runner.print(runner.run_provisioned(config, work), lambda each: f"{each.id} is {each.state}", json=json)


def exceptions_table(page: ExceptionPage) -> Table:
    """Return exceptions, one a row."""
    table = Table("id", "kind", "gateway", "payment or refund", "amount", "transfer", "at (UTC)", box=None)
    for each in page.items:
        amount, at = format_amount(each.amount), f"{each.at:%Y-%m-%d %H:%M}"
        table.add_row(str(each.id), each.kind, each.gateway, each.name, amount, each.settlement, at)
    return table
