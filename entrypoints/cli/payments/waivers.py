"""`bursar waive`: waivers, requested by one person and decided by another."""

from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.table import Table

from core.kernel.decisions import Choice
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money, format_amount
from core.payments.list_waivers import WaiverPage
from core.payments.request_waiver import WaiverView, WantedWaiver
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

WAIVERS_PER_PAGE = 100
Fee = Annotated[str, typer.Argument(metavar="FEE", help="The id or the reference of an exam fee.")]
Head = Annotated[str, typer.Argument(metavar="HEAD", help="What it was charged for: examination.")]
Minor = Annotated[int | None, typer.Option("--amount", min=1, help="In minor units of the fee's currency.")]
Percent = Annotated[int | None, typer.Option("--percent", min=1, max=100, help="Of what is due now.")]
Why = Annotated[str, typer.Option(help="The reason; it is stored with the waiver.")]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
commands = typer.Typer()


@commands.command(epilog="Example: bursar waive request BF-7K3M-9QZ4-XA2B-C examination --percent 50 --why 'flood'")
def request(
    context: typer.Context,
    fee: Fee,
    head: Head,
    why: Why,
    minor: Minor = None,
    percent: Percent = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Ask to waive a part of a fee; nothing is waived before another person approves it."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> WaiverView:
        amount = None
        if minor is not None:
            known = await runtime.use_cases.payments.show_payments(fee)
            amount = Money(minor, known.due.currency)
        wanted = WantedWaiver(head=head, amount=amount, percent=percent, reason=why)
        asked = RequestContext(arrived=runtime.clock.now(), scope="cli waive", key=str(uuid4()))
        return await runtime.use_cases.payments.request_waiver(fee, wanted, asked)

    runner.print(runner.run_provisioned(config, work), waiver_report, json=json)


@commands.command("list", epilog="Example: bursar waive list")
def list_waiting(
    context: typer.Context,
    after: After = None,
    limit: Limit = WAIVERS_PER_PAGE,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the waivers that wait for a decision, the earliest requested first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> WaiverPage:
        return await runtime.use_cases.payments.list_waivers(after, limit)

    page = runner.run_provisioned(config, work)
    runner.print(page, waivers_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar waive decide 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d approve --why 'seen'")
def decide(
    context: typer.Context,
    waiver: Id,
    choice: Annotated[Choice, typer.Argument(metavar="approve|refuse")],
    why: Why,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Approve or refuse a waiver that another person requested."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> WaiverView:
        return await runtime.use_cases.payments.decide_waiver(waiver, choice, why)

    runner.print(runner.run_provisioned(config, work), waiver_report, json=json)


@commands.command(epilog="Example: bursar waive retract 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d --why 'wrong candidate'")
def retract(context: typer.Context, waiver: Id, why: Why, config: ConfigFile = None, json: AsJson = False) -> None:
    """Take an approved waiver back; its amount is owed again."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> WaiverView:
        return await runtime.use_cases.payments.retract_waiver(waiver, why)

    runner.print(runner.run_provisioned(config, work), waiver_report, json=json)


def waiver_report(waiver: WaiverView) -> str:
    """Return one line about a waiver."""
    return f"{waiver.waiver} is {waiver.state}: {format_amount(waiver.amount)} of {waiver.reference}, {waiver.head}"


def waivers_table(page: WaiverPage) -> Table:
    """Return one row for each waiver."""
    table = Table("id", "fee", "head", "amount", "requested by", "reason", box=None)
    for each in page.items:
        told = (each.reference, each.head, format_amount(each.amount), each.requested_by, each.reason)
        table.add_row(str(each.waiver), *told)
    return table
