"""`bursar pay online` and `show`: where a payer pays at a gateway, and what was paid."""

from typing import Annotated

import msgspec
import typer
from rich.console import Group
from rich.table import Table

from core.kernel.idempotency import execute_once
from core.kernel.money import format_amount
from core.payments.order import PaidPart
from core.payments.pay_exam_fee import OpenedPayment
from core.payments.show_payments import FeePayments
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.payments.keys import Fee, Key, request_of
from entrypoints.cli.runtime import Runtime

All = Annotated[bool, typer.Option("--all", help="Every instalment; else what is due.")]
commands = typer.Typer()


@commands.command("online", epilog="Example: bursar pay online BF-7K3M-9QZ4-XA2B-C")
def pay_online(
    context: typer.Context,
    fee: Fee,
    whole: All = False,
    key: Key = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Open a payment at a gateway, and print the address where the payer pays; no money is taken by this."""
    runner: CommandRunner = context.obj
    pays = PaidPart.ALL if whole else PaidPart.DUE

    async def work(runtime: Runtime) -> OpenedPayment:
        request = request_of(runtime, "cli pay online", key, [fee, pays])
        opened = await execute_once(
            runtime.answers, request, runtime.use_cases.payments.pay_exam_fee(fee, request, pays)
        )
        return msgspec.json.decode(opened, type=OpenedPayment) if isinstance(opened, bytes) else opened

    runner.print(runner.run_provisioned(config, work), order_line, json=json)


@commands.command("show", epilog="Example: bursar pay show BF-7K3M-9QZ4-XA2B-C")
def show(context: typer.Context, fee: Fee, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show what a fee costs, its instalments, and what is owed; `pending` means: do not pay again."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> FeePayments:
        return await runtime.use_cases.payments.show_payments(fee)

    runner.print(runner.run_provisioned(config, work), fee_text, json=json)


def order_line(opened: OpenedPayment) -> str:
    """Return where an order is paid, and until when."""
    where = opened.checkout.url if opened.checkout else ""
    return f"{format_amount(opened.amount)} until {opened.expires_at:%Y-%m-%d %H:%M} UTC, by {opened.gateway}: {where}"


def fee_text(shown: FeePayments) -> Group:
    """Return the state of a fee, and its instalments, one a row."""
    table = Table("no.", "pay by (UTC)", "amount", "fined", "waived", "paid", "owed", "state", box=None)
    for each in shown.instalments:
        amounts = [format_amount(part) for part in (each.amount, each.fined, each.waived, each.paid, each.owed)]
        pay_by = f"{each.pay_by:%Y-%m-%d %H:%M}" if each.pay_by else ""
        table.add_row(str(each.number), pay_by, *amounts, each.state)
    return Group(f"{shown.reference} is {shown.status}: {format_amount(shown.owed)} owed", table)
