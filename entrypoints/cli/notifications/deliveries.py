"""`bursar deliveries`: list deliveries, and decide about those whose outcome is unknown."""

from typing import Annotated

import typer
from rich.table import Table

from core.kernel.text import escape_unprintable
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryFilter, DeliveryPage, DeliverySummary
from core.notifications.settle_delivery import Settlement, Verdict
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Since, Until, Who, decider, period
from entrypoints.cli.runtime import Runtime

DELIVERIES_PER_PAGE = 100
State = Annotated[DeliveryState, typer.Option("--state", help="Undecided ones wait for you.")]
OnChannel = Annotated[Channel | None, typer.Option("--channel", help="Only of this channel.")]
After = Annotated[str | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
Answer = Annotated[Verdict, typer.Option("--as", help="not-sent puts it back into the queue, once.")]
Why = Annotated[str, typer.Option(help="How that is known; the timeline of the fee shows it.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar deliveries list --state undecided --channel sms")
def list_of_state(
    context: typer.Context,
    state: State = DeliveryState.UNDECIDED,
    channel: OnChannel = None,
    since: Since = None,
    until: Until = None,
    after: After = None,
    limit: Limit = DELIVERIES_PER_PAGE,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the deliveries of one state, the longest due first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> DeliveryPage:
        search = DeliveryFilter(state=state, channel=channel, due=period(since, until))
        return await runtime.use_cases.notifications.list_deliveries(search, after, limit)

    page = runner.run_provisioned(config, work)
    runner.print(page, lambda page: deliveries_table(page) if page.items else f"no delivery is {state}", json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(
    epilog="Example: bursar deliveries settle 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d --as not-sent"
    " --who 'Asha Kulkarni' --why 'not in the log of the vendor'"
)
def settle(
    context: typer.Context,
    delivery: Id,
    verdict: Answer,
    why: Why,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Say whether an unknown or undecided delivery was sent; a second decision is refused."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> DeliverySummary:
        settlement = Settlement(verdict=verdict, who=decider(who), why=why)
        return await runtime.use_cases.notifications.settle_delivery(delivery, settlement)

    settled = runner.run_provisioned(config, work)
    runner.print(settled, lambda settled: f"{settled.id} is {settled.state}", json=json)


def deliveries_table(page: DeliveryPage) -> Table:
    """Return a table of deliveries."""
    table = Table("delivery", "channel", "state", "since (UTC)", "exam fee", "why", box=None)
    for each in page.items:
        when = f"{each.in_doubt_since or each.due_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(each.id), each.channel, each.state, when, str(each.about), escape_unprintable(each.reason))
    return table
