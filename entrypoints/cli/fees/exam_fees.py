"""`bursar quote`, `submit` and `show`: exam fees at the counter."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import msgspec
import typer
from rich.table import Table

from core.kernel.authorization import current_principal
from core.kernel.idempotency import RequestContext, execute_once
from core.kernel.money import Money, format_number
from core.kernel.trace import Trace, current_trace
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

if TYPE_CHECKING:
    from core.fees.exam_fee import ExamFee, TimelineEntry
    from core.fees.quote import Quote, QuoteLine
    from core.fees.submission import Submission
    from core.fees.submit_exam_fee import ExamFeeSubmission

Schedule = Annotated[str, typer.Argument(help="Code of the fee schedule: cbse-2020-xii.")]
Registration = Annotated[str, typer.Argument(help="The candidate's registration.")]
Papers = Annotated[list[str] | None, typer.Option("--paper", help="Code of a paper; once for each.")]
Practicals = Annotated[list[str] | None, typer.Option("--practical", help="A paper with a practical; once for each.")]
Key = Annotated[str | None, typer.Option("--key", help="Idempotency key; the same key again changes nothing.")]
Name = Annotated[str, typer.Argument(help="Reference or id.")]
EXAMPLE = "bursar {} cbse-2020-xii CB-2020-1001 --paper 041 --paper 042 --paper 043 --paper 083 --paper 301"
commands = typer.Typer()


@commands.command(epilog="Example: " + EXAMPLE.format("quote"))
def quote(
    context: typer.Context,
    schedule: Schedule,
    registration: Registration,
    papers: Papers = None,
    practicals: Practicals = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Price an exam fee, line by line; nothing is stored."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Quote:
        submission = submission_from(schedule, registration, papers, practicals)
        return await runtime.use_cases.fees.quote_exam_fee(submission, RequestContext(arrived=runtime.clock.now()))

    quoted = runner.run_provisioned(config, work)
    runner.print(quoted, lambda quoted: price_table(quoted.lines, quoted.total), json=json)


@commands.command(epilog="Example: " + EXAMPLE.format("submit"))
def submit(
    context: typer.Context,
    schedule: Schedule,
    registration: Registration,
    papers: Papers = None,
    practicals: Practicals = None,
    key: Key = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Submit an exam fee."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Submission:
        return await submit_once(runtime, submission_from(schedule, registration, papers, practicals), key)

    submission = runner.run_provisioned(config, work)
    runner.print(submission, lambda submission: price_table(submission.lines, submission.total), json=json)
    if not json:
        runner.out.print(f"{submission.state}: {submission.reference}", style="bold")


@commands.command(epilog="Example: bursar show BF-7K3M-9QZ4-XA2B-C")
def show(context: typer.Context, name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show an exam fee and its timeline."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ExamFee:
        return await runtime.use_cases.fees.show_exam_fee(name)

    fee = runner.run_provisioned(config, work)
    if json:
        runner.print_json(fee)
        return
    runner.out.print(f"{fee.reference} · {fee.registration} · {fee.schedule} · {fee.state}")
    runner.out.print(price_table(fee.lines, fee.total))
    runner.out.print(timeline_table(fee.timeline))


async def submit_once(runtime: Runtime, submission: ExamFeeSubmission, key: str | None) -> Submission:
    """Submit an exam fee once for each key; without a key, under a new one."""
    from core.fees.submission import Submission

    current_trace.set(Trace.continue_or_start(None, None))
    request = RequestContext(
        arrived=runtime.clock.now(),
        scope=f"{account} cli submit" if (account := current_principal.get().account) else "cli submit",
        key=key or str(uuid4()),
        fingerprint=fingerprint(submission),
    )
    submitting = runtime.use_cases.fees.submit_exam_fee(submission, request)
    result = await execute_once(runtime.answers, request, submitting)
    return msgspec.json.decode(result, type=Submission) if isinstance(result, bytes) else result


def submission_from(
    schedule: str, registration: str, papers: list[str] | None, practicals: list[str] | None
) -> ExamFeeSubmission:
    """Return the submission that the arguments describe."""
    from core.fees.submit_exam_fee import ExamFeeSubmission

    return ExamFeeSubmission(
        schedule=schedule, registration=registration, papers=tuple(papers or ()), practicals=tuple(practicals or ())
    )


def fingerprint(submission: ExamFeeSubmission) -> bytes:
    """Return the hash of a submission; it must not change between versions, because keys are stored with it."""
    selection = {"papers": submission.papers, "practicals": submission.practicals}
    hashed = {"schedule": submission.schedule, "registration": submission.registration, "choice": selection}
    return sha256(msgspec.json.encode(hashed)).digest()


def price_table(lines: Sequence[QuoteLine], total: Money) -> Table:
    """Return a table of the lines of a price, with their reasons."""
    table = Table("head", "why", box=None, show_footer=True)
    table.columns[1].footer = "total"
    table.add_column(f"amount ({total.currency})", footer=format_number(total), justify="right")
    for line in lines:
        table.add_row(line.head, line.why, format_number(line.amount))
    return table


def timeline_table(timeline: Sequence[TimelineEntry]) -> Table:
    """Return a table of what happened to an exam fee."""
    table = Table("when (UTC)", "what", "vendor", "detail", box=None)
    for entry in timeline:
        when = entry.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        table.add_row(when, entry.what, entry.vendor, entry.vendor_id or entry.detail)
    return table
