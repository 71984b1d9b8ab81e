"""`bursar erase`."""

from typing import Annotated

import typer

from core.students.erase_student import ErasureReport
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import Who, Why, decision
from entrypoints.cli.runtime import Runtime

Registration = Annotated[str, typer.Argument(help="The student's registration, in any spelling.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what it would delete and what would stay.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar erase SU-2026-0001 --why 'request of 3 November' --dry-run")
def erase(
    context: typer.Context,
    registration: Registration,
    why: Why,
    dry_run: DryRun = False,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Delete a student from the roster for good; the fees stay, and lead to no person."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ErasureReport:
        erase_student = runtime.use_cases.students.erase_student
        return await erase_student(registration, decision(who, why), dry_run=dry_run)

    report = runner.run_provisioned(config, work)
    runner.print(report, lambda report: summary(report, dry_run=dry_run), json=json)


def summary(report: ErasureReport, *, dry_run: bool) -> str:
    """Return what an erasure did, or would do."""
    if report.was_erased_before:
        return "the student was erased before: nothing to do"
    records, would = report.records, "would be " if dry_run else ""
    named = (
        f"; {records.named:,} submissions of an earlier version still name the registration" if records.named else ""
    )
    return (
        f"{would}erased: the student and {records.dead_letters:,} dead letters;"
        f" {would}kept without a person: {records.submissions:,} submissions, {records.deliveries:,} deliveries,"
        f" {records.accounts:,} accounts{named}"
    )
