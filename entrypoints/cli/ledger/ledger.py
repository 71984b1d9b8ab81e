"""`bursar ledger`: balances, statements, and the proof that they agree with the postings."""

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from core.kernel.money import format_amount
from core.ledger.show_balance import AccountBalance
from core.ledger.show_statement import Statement
from core.ledger.verify_ledger import LedgerVerification
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import parse_moment
from entrypoints.cli.runtime import Runtime

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="KIND:NAME, as in income:examination.")]
AsOf = Annotated[str | None, typer.Option(metavar="TIME", help="As of this moment: 2026-11-20T00:00+05:30.")]
ExamFeeName = Annotated[str, typer.Argument(metavar="FEE", help="The id or the reference of an exam fee.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar ledger balance income:examination --as-of 2026-11-20T00:00Z")
def balance(
    context: typer.Context, account: Account, as_of: AsOf = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Show what an account has: debits less credits, so what was earned is negative."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> AccountBalance:
        return await runtime.use_cases.ledger.show_balance(account, parse_moment(as_of, "$.as_of"))

    runner.print(runner.run_provisioned(config, work), balance_report, json=json)


@commands.command(epilog="Example: bursar ledger statement BF-7K3M-9QZ4-XA2B-C")
def statement(context: typer.Context, exam_fee: ExamFeeName, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show what was posted about an exam fee, the oldest first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Statement:
        found = await runtime.use_cases.fees.show_exam_fee(exam_fee)
        return await runtime.use_cases.ledger.show_statement(found.id)

    runner.print(runner.run_provisioned(config, work), statement_table, json=json)


@commands.command(epilog="Example: bursar ledger verify --config production.toml")
def verify(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Compute every balance anew and name the first disagreement; exit with 1 if there is one."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> LedgerVerification:
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar = progress.add_task("verifying", total=None)
            return await runtime.use_cases.ledger.verify_ledger(lambda done: progress.update(bar, completed=done))

    result = runner.run_provisioned(config, work)
    runner.print(result, verification_report, json=json)
    if result.disagreement:
        raise typer.Exit(1)


def balance_report(shown: AccountBalance) -> str:
    """Return the balances, one in a line."""
    return "\n".join(format_amount(each) for each in shown.balances) or f"{shown.account} has no postings"


def statement_table(shown: Statement) -> Table:
    """Return the postings of a statement, one a row."""
    table = Table("at", "transaction", "debit", "credit", "amount", box=None)
    for each in shown.transactions:
        for posting in each.postings:
            amount = format_amount(posting.amount)
            table.add_row(f"{each.at:%Y-%m-%d %H:%M:%S}", each.kind, str(posting.debit), str(posting.credit), amount)
    return table


def verification_report(result: LedgerVerification) -> str:
    """Return what was verified, and the first disagreement."""
    if result.disagreement:
        return f"the first disagreement: {result.disagreement}"
    waiting = f"; {result.unposted:,} facts are to be posted" if result.unposted else ""
    done = f"{result.transactions:,} transactions, {result.postings:,} postings, {result.accounts:,} sums"
    return f"everything agrees: {done}{waiting}"
