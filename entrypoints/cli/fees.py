"""Commands of the counter clerk: quote, submit, show."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import typer
from rich.table import Table

from core.fees.choice import Choice
from core.fees.exam_fee import ExamFee
from core.fees.quote import Line
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.shared.money import Money
from core.shared.requests import Request, once
from core.shared.trace import Trace, current_trace
from entrypoints.cli.desk import AsJson, ConfigFile, Desk
from entrypoints.cli.office import Office

Schedule = Annotated[str, typer.Argument(help="Code of the fee schedule: cbse-2020-xii.")]
Registration = Annotated[str, typer.Argument(help="The candidate's registration.")]
Papers = Annotated[list[str] | None, typer.Option("--paper", help="Code of a paper; once for each.")]
Practicals = Annotated[list[str] | None, typer.Option("--practical", help="A paper with a practical; once for each.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key; the same key again changes nothing.")]
EXAMPLE = "bursar {} cbse-2020-xii CB-2020-1001 --paper 041 --paper 042 --paper 043 --paper 083 --paper 301"


def add_to(cli: typer.Typer, desk: Desk) -> None:
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

        async def work(office: Office) -> Any:
            wish = wished(schedule, registration, papers, practicals)
            return await office.use_cases["quote_exam_fee"]()(wish, Request(arrived=office.clock.now()))

        quoted = desk.work_in(config, work)
        if json:
            desk.print_json(quoted)
        else:
            desk.out.print(priced(quoted.lines, quoted.total))

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

        async def work(office: Office) -> Submission:
            current_trace.set(Trace.take_or_make(None, None))
            wish = wished(schedule, registration, papers, practicals)
            request = Request(
                arrived=office.clock.now(),
                scope="cli submit",
                key=key or str(uuid4()),
                fingerprint=sha256(msgspec.json.encode(wish)).digest(),
            )
            result = await once(office.answers, request, lambda: office.use_cases["submit_exam_fee"]()(wish, request))
            return msgspec.json.decode(result, type=Submission) if isinstance(result, bytes) else result

        submission = desk.work_in(config, work)
        if json:
            desk.print_json(submission)
        else:
            desk.out.print(priced(submission.lines, submission.total))
            desk.out.print(f"{submission.state}: {submission.reference}", style="bold")

    @cli.command(epilog="Example: bursar show BF-7K3M-9QZ4-XA2B-C")
    def show(
        name: Annotated[str, typer.Argument(help="Reference or id.")], config: ConfigFile = None, json: AsJson = False
    ) -> None:
        """Show an exam fee and its timeline."""

        async def work(office: Office) -> ExamFee:
            found: ExamFee = await office.use_cases["show_exam_fee"]()(name)
            return found

        fee = desk.work_in(config, work)
        if json:
            desk.print_json(fee)
            return
        desk.out.print(f"{fee.reference} · {fee.registration} · {fee.schedule} · {fee.state}")
        desk.out.print(priced(fee.lines, fee.total))
        table = Table("when (UTC)", "what", "vendor", "detail", box=None)
        for entry in fee.timeline:
            when = entry.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            table.add_row(when, entry.what, entry.vendor, entry.vendor_id or entry.detail)
        desk.out.print(table)


def wished(
    schedule: str, registration: str, papers: list[str] | None, practicals: list[str] | None
) -> ExamFeeSubmission:
    """Return what was asked for."""
    choice = Choice(papers=tuple(papers or ()), practicals=tuple(practicals or ()))
    return ExamFeeSubmission(schedule=schedule, registration=registration, choice=choice)


def priced(lines: Sequence[Line], total: Money) -> Table:
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
