"""Commands for whoever has to say whether a message was sent."""

from typing import Annotated

import typer
from rich.table import Table

from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryFilter, DeliveryPage, DeliverySummary
from core.notifications.settle_delivery import Settlement, Verdict
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, escape_unprintable
from entrypoints.cli.options import Since, Until, Who, decider, period
from entrypoints.cli.runtime import Runtime

PAGE = 100
State = Annotated[DeliveryState, typer.Option("--state", help="Undecided ones wait for you.")]
OnChannel = Annotated[Channel | None, typer.Option("--channel", help="Only of this channel.")]
After = Annotated[str | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
Answer = Annotated[Verdict, typer.Option("--as", help="not-sent puts it back into the queue, once.")]
Why = Annotated[str, typer.Option(help="How that is known; the timeline of the fee shows it.")]


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""
    deliveries = typer.Typer(help="Messages to candidates, and what became of them.", no_args_is_help=True)
    cli.add_typer(deliveries, name="deliveries")

    @deliveries.command("list", epilog="Example: bursar deliveries list --state undecided --channel sms")
    def list_of_state(
        state: State = DeliveryState.UNDECIDED,
        channel: OnChannel = None,
        since: Since = None,
        until: Until = None,
        after: After = None,
        limit: Limit = PAGE,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """List the deliveries of one state, the longest due first."""

        async def work(office: Runtime) -> DeliveryPage:
            search = DeliveryFilter(state=state, channel=channel, due=period(since, until))
            page: DeliveryPage = await office.use_cases["list_deliveries"]()(search, after, limit)
            return page

        page = runner.run_provisioned(config, work)
        if json:
            runner.print_json(page)
            return
        table = Table("delivery", "channel", "state", "since (UTC)", "exam fee", "why", box=None)
        for each in page.items:
            when = f"{each.in_doubt_since or each.due_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(
                str(each.id), each.channel, each.state, when, str(each.about), escape_unprintable(each.reason)
            )
        runner.out.print(table if page.items else f"no delivery is {state}")
        if page.next:
            runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)

    @deliveries.command(
        epilog="Example: bursar deliveries settle 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d --as not-sent"
        " --who 'Asha Kulkarni' --why 'not in the log of the vendor'"
    )
    def settle(
        delivery: Id, verdict: Answer, why: Why, who: Who = None, config: ConfigFile = None, json: AsJson = False
    ) -> None:
        """Say whether an unknown or undecided delivery was sent; a second decision is refused."""

        async def work(office: Runtime) -> DeliverySummary:
            settlement = Settlement(verdict=verdict, who=decider(who), why=why)
            settled: DeliverySummary = await office.use_cases["settle_delivery"]()(delivery, settlement)
            return settled

        settled = runner.run_provisioned(config, work)
        if json:
            runner.print_json(settled)
        else:
            runner.out.print(f"{settled.id} is {settled.state}")
