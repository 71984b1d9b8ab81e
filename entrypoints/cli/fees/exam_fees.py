"""Commands of the counter clerk: quote, submit, show."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import typer
from rich.table import Table

from core.fees.exam_fee import ExamFee
from core.fees.paper_selection import PaperSelection
from core.fees.quote import QuoteLine
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext, once
from core.kernel.money import Money
from core.kernel.trace import Trace, current_trace
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

Schedule = Annotated[str, typer.Argument(help="Code of the fee schedule: cbse-2020-xii.")]
Registration = Annotated[str, typer.Argument(help="The candidate's registration.")]
Papers = Annotated[list[str] | None, typer.Option("--paper", help="Code of a paper; once for each.")]
Practicals = Annotated[list[str] | None, typer.Option("--practical", help="A paper with a practical; once for each.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key; the same key again changes nothing.")]
EXAMPLE = "bursar {} cbse-2020-xii CB-2020-1001 --paper 041 --paper 042 --paper 043 --paper 083 --paper 301"


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""

    @cli.command(epilog="Example: " + EXAMPLE.format("quote"))
    def quote(
        schedule: Schedule,
        registration: Registration,
        papers: Papers = None,
        practicals: Practicals = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """Price an exam fee, line by line; nothing is stored."""

        async def work(office: Runtime) -> Any:
            command = submission_from(schedule, registration, papers, practicals)
            return await office.use_cases["quote_exam_fee"]()(command, RequestContext(arrived=office.clock.now()))

        quoted = runner.run_provisioned(config, work)
        if json:
            runner.print_json(quoted)
        else:
            runner.out.print(price_table(quoted.lines, quoted.total))

    @cli.command(epilog="Example: " + EXAMPLE.format("submit"))
    def submit(
        schedule: Schedule,
        registration: Registration,
        papers: Papers = None,
        practicals: Practicals = None,
        key: Key = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """Submit an exam fee."""

        async def work(office: Runtime) -> Submission:
            current_trace.set(Trace.continue_or_start(None, None))
            command = submission_from(schedule, registration, papers, practicals)
            request = RequestContext(
                arrived=office.clock.now(),
                scope="cli submit",
                key=key or str(uuid4()),
                fingerprint=sha256(msgspec.json.encode(command)).digest(),
            )
            result = await once(
                office.answers, request, lambda: office.use_cases["submit_exam_fee"]()(command, request)
            )
            return msgspec.json.decode(result, type=Submission) if isinstance(result, bytes) else result

        submission = runner.run_provisioned(config, work)
        if json:
            runner.print_json(submission)
        else:
            runner.out.print(price_table(submission.lines, submission.total))
            runner.out.print(f"{submission.state}: {submission.reference}", style="bold")

    @cli.command(epilog="Example: bursar show BF-7K3M-9QZ4-XA2B-C")
    def show(
        name: Annotated[str, typer.Argument(help="Reference or id.")], config: ConfigFile = None, json: AsJson = False
    ) -> None:
        """Show an exam fee and its timeline."""

        async def work(office: Runtime) -> ExamFee:
            found: ExamFee = await office.use_cases["show_exam_fee"]()(name)
            return found

        fee = runner.run_provisioned(config, work)
        if json:
            runner.print_json(fee)
            return
        runner.out.print(f"{fee.reference} · {fee.registration} · {fee.schedule} · {fee.state}")
        runner.out.print(price_table(fee.lines, fee.total))
        table = Table("when (UTC)", "what", "vendor", "detail", box=None)
        for entry in fee.timeline:
            when = entry.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            table.add_row(when, entry.what, entry.vendor, entry.vendor_id or entry.detail)
        runner.out.print(table)


def submission_from(
    schedule: str, registration: str, papers: list[str] | None, practicals: list[str] | None
) -> ExamFeeSubmission:
    """Return what was asked for."""
    selection = PaperSelection(papers=tuple(papers or ()), practicals=tuple(practicals or ()))
    return ExamFeeSubmission(schedule=schedule, registration=registration, selection=selection)


def price_table(lines: Sequence[QuoteLine], total: Money) -> Table:
    """Show each line of a price, and why."""
    table = Table("head", "why", box=None, show_footer=True)
    table.columns[1].footer = "total"
    table.add_column(f"amount ({total.currency})", footer=amount(total), justify="right")
    for line in lines:
        table.add_row(line.head, line.why, amount(line.amount))
    return table


def amount(money: Money) -> str:
    """Write an amount in major units."""
    whole, minor = divmod(abs(money.minor), 100)
    return f"{'-' if money.minor < 0 else ''}{whole:,}.{minor:02}"
