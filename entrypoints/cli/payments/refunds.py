"""`bursar refund`: give payments back, and settle refunds of which no gateway knows."""

from typing import Annotated
from uuid import UUID, uuid4

import msgspec
import typer
from rich.table import Table

from core.kernel.authorization import current_principal
from core.kernel.idempotency import RequestContext, execute_once
from core.kernel.money import Money, format_amount, parse_amount
from core.payments.payment import RefundStage
from core.payments.refund_list import RefundPage, RefundSummary
from core.payments.refund_payment import RefundOrder
from core.payments.settle_refund import RefundVerdict
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Why
from entrypoints.cli.payments.keys import Amount, Key, fingerprint
from entrypoints.cli.runtime import Runtime

PER_PAGE = 100
PaymentId = Annotated[UUID, typer.Argument(metavar="PAYMENT", help="The id of the payment.")]
Currency = Annotated[str, typer.Option(help="The currency of the payment.")]
Stage = Annotated[RefundStage, typer.Option("--stage", help="Unknown ones wait for you.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Id = Annotated[UUID, typer.Argument(metavar="REFUND", help="As `list` shows it.")]
Verdict = Annotated[RefundVerdict, typer.Option("--as", help="not-refunded releases the amount.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar refund issue PAYMENT 500.00 --why 'the paper was cancelled'")
def issue(
    context: typer.Context,
    payment: PaymentId,
    amount: Amount,
    why: Why,
    currency: Currency = "INR",
    key: Key = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Promise an amount of a payment; its gateway is asked next, and of a counter payment a clerk pays it out."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RefundSummary:
        order = RefundOrder(amount=parse_amount(amount, Money.zero(currency).currency), why=why)
        account = current_principal.get().account
        request = RequestContext(
            arrived=runtime.clock.now(),
            scope=f"{account} cli refund" if account else "cli refund",
            key=key or str(uuid4()),
            fingerprint=fingerprint([payment, order]),
        )
        refunding = runtime.use_cases.payments.refund_payment(payment, order, request)
        refund = await execute_once(runtime.answers, request, refunding)
        return msgspec.json.decode(refund, type=RefundSummary) if isinstance(refund, bytes) else refund

    runner.print(runner.run_provisioned(config, work), refund_line, json=json)


@commands.command("list", epilog="Example: bursar refund list --stage unknown")
def list_of_stage(
    context: typer.Context,
    stage: Stage = RefundStage.UNKNOWN,
    after: After = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the refunds of one stage."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RefundPage:
        return await runtime.use_cases.payments.list_refunds(stage, after, PER_PAGE)

    page = runner.run_provisioned(config, work)
    runner.print(page, refunds_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar refund settle REFUND --as refunded --why 'on the statement of the bank'")
def settle(
    context: typer.Context, refund: Id, verdict: Verdict, why: Why, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Say whether an unknown refund, or one at the counter, was given back; a second decision is refused."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RefundSummary:
        return await runtime.use_cases.payments.settle_refund(refund, verdict, why)

    runner.print(runner.run_provisioned(config, work), refund_line, json=json)


@commands.command("pay-out", epilog="Example: bursar refund pay-out REFUND")
def pay_out(context: typer.Context, refund: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Record that the refund of a counter payment was paid out."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RefundSummary:
        return await runtime.use_cases.payments.pay_out_refund(refund)

    runner.print(runner.run_provisioned(config, work), refund_line, json=json)


def refund_line(refund: RefundSummary) -> str:
    """Return what became of a refund."""
    return f"{refund.stage}: {format_amount(refund.amount)} of {refund.reference}, refund {refund.refund}"


def refunds_table(page: RefundPage) -> Table:
    """Return refunds, one a row."""
    table = Table("refund", "fee", "since", "cause", "amount", "gateway", "asked", box=None)
    for each in page.items:
        since, amount = f"{each.reserved_at:%Y-%m-%d %H:%M}", format_amount(each.amount)
        table.add_row(str(each.refund), each.reference, since, each.cause, amount, each.gateway, str(each.checks))
    return table
