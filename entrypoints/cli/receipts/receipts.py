"""`bursar receipt`: shows, lists, prints and voids receipts."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.kernel.money import format_amount
from core.receipts.printed_receipt import local_moment
from core.receipts.receipt import IssuedReceipt
from core.receipts.receipt_search import GREATEST_NUMBER, ReceiptSearch
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Who, Why, decision
from entrypoints.cli.runtime import Runtime

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As on the paper: R-2026-27-000042.")]
ExamFeeName = Annotated[str | None, typer.Option("--fee", help="Only those of the exam fee of this id or reference.")]
Schedule = Annotated[str, typer.Option(metavar="CODE", help="Only those of this fee schedule.")]
Series = Annotated[str, typer.Option(metavar="NAME", help="By default that of the office.")]
Year = Annotated[str, typer.Option(metavar="YEAR", help="The financial year: 2026-27. By default the present one.")]
First = Annotated[int, typer.Option(min=1, max=GREATEST_NUMBER, metavar="N", help="The least number.")]
Last = Annotated[int, typer.Option(min=1, max=GREATEST_NUMBER, metavar="N", help="The greatest number.")]
Before = Annotated[str | None, typer.Option(metavar="NUMBER", help="Those before this one, in its series and year.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="At most so many.")]
Output = Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead of standard output.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar receipt show R-2026-27-000042")
def show(context: typer.Context, number: Number, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show the facts of a receipt, and whether it is void."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> IssuedReceipt:
        return await runtime.use_cases.receipts.show_receipt(number)

    runner.print(runner.run_provisioned(config, work), lambda receipt: receipts_table([receipt]), json=json)


@commands.command(name="list", epilog="Example: bursar receipt list --fee BF-7K3M-9QZ4-XA2B-C")
def list_(
    context: typer.Context,
    exam_fee: ExamFeeName = None,
    schedule: Schedule = "",
    series: Series = "",
    year: Year = "",
    first: First = 1,
    last: Last = GREATEST_NUMBER,
    before: Before = None,
    limit: Limit = 50,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List receipts, the newest first: those of a fee, or those of a series and financial year."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[IssuedReceipt]:
        fee = await runtime.use_cases.fees.show_exam_fee(exam_fee) if exam_fee else None
        submission = fee.id if fee else None
        search = ReceiptSearch(
            submission=submission, schedule=schedule, series=series, year=year, first=first, last=last
        )
        return await runtime.use_cases.receipts.list_receipts(search, before=before, limit=limit)

    runner.print(runner.run_provisioned(config, work), receipts_table, json=json)


@commands.command(epilog="Example: bursar receipt pdf R-2026-27-000042 --output receipt.pdf")
def pdf(context: typer.Context, number: Number, output: Output = None, config: ConfigFile = None) -> None:
    """Print a receipt as PDF, in the language of its student."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> bytes:
        return await runtime.use_cases.receipts.print_receipt(number)

    paper = runner.run_provisioned(config, work)
    if output is None:
        sys.stdout.buffer.write(paper)
    else:
        output.write_bytes(paper)


@commands.command(epilog="Example: bursar receipt void R-2026-27-000042 --why 'issued for the wrong candidate'")
def void(
    context: typer.Context,
    number: Number,
    why: Why,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Make a receipt void; its number stays, and the payment stays as it is."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> IssuedReceipt:
        return await runtime.use_cases.receipts.void_receipt(number, decision(who, why))

    runner.print(runner.run_provisioned(config, work), lambda receipt: f"{receipt.number} is void", json=json)


def receipts_table(receipts: Sequence[IssuedReceipt]) -> Table:
    """Return receipts, one a row."""
    table = Table("number", "fee", "amount", "method", "paid at", "void", box=None)
    for each in receipts:
        paid_at, void = local_moment(each.paid_at, each.zone), each.void.reason if each.void else ""
        table.add_row(each.number, each.reference, format_amount(each.amount), each.method, paid_at, void)
    return table
