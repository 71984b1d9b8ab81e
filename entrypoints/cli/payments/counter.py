"""`bursar counter`: payments that clerks have taken, and decisions about them."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from core.kernel.decisions import Choice
from core.kernel.money import format_amount
from core.payments.counter_payment import CounterReceipt, CounterState
from core.payments.list_counter_payments import CounterPage
from core.payments.show_payments import PaymentView
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Why
from entrypoints.cli.payments.pay_at_counter import receipt_line
from entrypoints.cli.runtime import Runtime

PER_PAGE = 100
State = Annotated[CounterState, typer.Option("--state", help="Waiting ones need a second person.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
PaymentId = Annotated[UUID, typer.Argument(metavar="PAYMENT", help="The id of the payment.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar counter list")
def list_of_state(
    context: typer.Context,
    state: State = CounterState.WAITING,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List counter payments of one state, the oldest first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> CounterPage:
        return await runtime.use_cases.payments.list_counter_payments(state, after, PER_PAGE)

    page = runner.run_provisioned(config, work)
    runner.print(page, counter_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar counter decide ID --as approve --why 'the cash is in the safe'")
def decide(
    context: typer.Context,
    counter_payment: Id,
    decision: Annotated[Choice, typer.Option("--as", help="What you decide.")],
    why: Why,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Approve or refuse a waiting payment, as another person than the one who took it."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> CounterReceipt:
        return await runtime.use_cases.payments.decide_counter_payment(counter_payment, decision, why)

    runner.print(runner.run_provisioned(config, work), receipt_line, json=json)


@commands.command(epilog="Example: bursar counter bounce PAYMENT --why 'insufficient funds'")
def bounce(
    context: typer.Context, payment: PaymentId, why: Why, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Record that the bank did not pay a cheque: its amount is owed again."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> PaymentView:
        return await runtime.use_cases.payments.bounce_cheque(payment, why)

    runner.print(runner.run_provisioned(config, work), lambda view: f"{view.payment} has bounced", json=json)


def counter_table(page: CounterPage) -> Table:
    """Return counter payments, one a row."""
    table = Table("id", "fee", "paid", "by", "amount", "taken by", box=None)
    for each in page.items:
        paid, amount = f"{each.paid_at:%Y-%m-%d %H:%M}", format_amount(each.amount)
        table.add_row(str(each.id), str(each.fee), paid, each.number, amount, each.taken_by)
    return table
