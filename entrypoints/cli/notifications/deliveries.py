"""`bursar deliveries`: list deliveries, and decide about those whose outcome is unknown."""

from typing import Annotated

import typer

from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryFilter, DeliveryPage, DeliverySummary
from core.notifications.settle_delivery import Settlement, Verdict
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.notifications.delivery_tables import deliveries_table
from entrypoints.cli.notifications.resend import Filters, Resend, ResendOptions
from entrypoints.cli.options import Rate, Since, Until, Who, decider, period
from entrypoints.cli.options import Why as Reason
from entrypoints.cli.runtime import Runtime

DELIVERIES_PER_PAGE = 100
State = Annotated[DeliveryState, typer.Option("--state", help="Undecided ones wait for you.")]
OnChannel = Annotated[Channel | None, typer.Option("--channel", help="Only of this channel.")]
After = Annotated[str | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")]
Answer = Annotated[Verdict, typer.Option("--as", help="not-sent puts it back into the queue, once.")]
Why = Annotated[str, typer.Option(help="How that is known; the timeline of the fee shows it.")]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="Some ids; without them, all that the filters find.")
]
ResendState = Annotated[
    DeliveryState | None,
    typer.Option("--state", help="Of this state.", show_default="rejected, expired and bounced ones"),
]
Vendor = Annotated[str | None, typer.Option(help="Only those for which this vendor was called.")]
Template = Annotated[str | None, typer.Option(help="Only of this template.")]
YES = "Do all that the filters find; without this, only show what that would be. Ids are done at once."
Yes = Annotated[bool, typer.Option("--yes", help=YES)]
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
    runner.print(
        page, lambda page: deliveries_table(page.items) if page.items else f"no delivery is {state}", json=json
    )
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


@commands.command(
    epilog="Example: bursar deliveries resend --state rejected --channel email --from 2026-11-20"
    " --why 'the sender is verified now' --yes"
)
def resend(
    context: typer.Context,
    why: Reason,
    deliveries: Ids = None,
    state: ResendState = None,
    channel: OnChannel = None,
    vendor: Vendor = None,
    template: Template = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    rate: Rate = None,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Send deliveries again that ended unsent: some by id, or with --yes all that the filters find."""
    filters = Filters(state, channel, vendor, template, since, until)
    Resend(context.obj, ResendOptions(deliveries or [], filters, rate, yes, who, why, json)).run(config)
