"""`bursar pay counter`: payments that clerks take."""

from typing import Annotated

import msgspec
import typer

from core.kernel.idempotency import execute_once
from core.kernel.money import format_amount, parse_amount
from core.payments.counter_payment import CounterDeposit, CounterMethod, CounterReceipt
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import parse_moment
from entrypoints.cli.payments.keys import Amount, Fee, Key, request_of
from entrypoints.cli.runtime import Runtime

Cash = Annotated[bool, typer.Option("--cash", help="It is paid in cash.")]
Cheque = Annotated[str | None, typer.Option(metavar="NUMBER", help="By a cheque: its number and bank.")]
Challan = Annotated[str | None, typer.Option(metavar="NUMBER", help="At a bank, by a challan of this number.")]
PaidAt = Annotated[str | None, typer.Option(metavar="TIME", help="When it was paid: 2026-11-20T11:00+05:30; else now.")]
commands = typer.Typer()


@commands.command("counter", epilog="Example: bursar pay counter BF-7K3M-9QZ4-XA2B-C 1500.00 --cheque 000123/400240015")
def pay_at_counter(
    context: typer.Context,
    fee: Fee,
    amount: Amount,
    cash: Cash = False,
    cheque: Cheque = None,
    challan: Challan = None,
    paid_at: PaidAt = None,
    key: Key = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Take a payment at the counter; above a limit it counts when a second person has approved it."""
    runner: CommandRunner = context.obj
    method, document = method_of(cash=cash, cheque=cheque, challan=challan)

    async def work(runtime: Runtime) -> CounterReceipt:
        currency = (await runtime.use_cases.payments.show_payments(fee)).due.currency
        deposit = CounterDeposit(
            amount=parse_amount(amount, currency),
            method=method,
            document=document,
            paid_at=parse_moment(paid_at, "$.paid_at"),
        )
        request = request_of(runtime, "cli pay", key, [fee, deposit])
        taking = runtime.use_cases.payments.take_counter_payment(fee, deposit, request)
        taken = await execute_once(runtime.answers, request, taking)
        return msgspec.json.decode(taken, type=CounterReceipt) if isinstance(taken, bytes) else taken

    runner.print(runner.run_provisioned(config, work), receipt_line, json=json)


def method_of(*, cash: bool, cheque: str | None, challan: str | None) -> tuple[CounterMethod, str | None]:
    """Return how it is paid; raise `typer.BadParameter` unless exactly one option says it."""
    given = {CounterMethod.CASH: cash or None, CounterMethod.CHEQUE: cheque, CounterMethod.CHALLAN: challan}
    chosen = [method for method, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise typer.BadParameter("give one of --cash, --cheque NUMBER and --challan NUMBER")
    return chosen[0], cheque or challan


def receipt_line(taken: CounterReceipt) -> str:
    """Return what became of a counter payment, and what the payer is to know."""
    told = f"{taken.state}: {format_amount(taken.amount)} by {taken.number}, id {taken.id}, payment {taken.payment}"
    return f"{told}\n{taken.warning}" if taken.warning else told
