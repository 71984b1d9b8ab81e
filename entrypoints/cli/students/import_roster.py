"""`bursar import students`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from core.kernel.text import escape_unprintable
from core.students.roster import read_rows
from core.students.roster_report import RosterReport
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.files import read_chunks
from entrypoints.cli.runtime import Runtime

RosterFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Clear = Annotated[bool, typer.Option("--clear", help="A column that is empty in every row removes its values.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar import students roster.csv")
def students(
    context: typer.Context, file: RosterFile, clear: Clear = False, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Take over a roster: CSV whose first line names the columns; good rows are kept, bad ones reported."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> RosterReport:
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar = progress.add_task("importing", total=file.stat().st_size)
            chunks = read_chunks(file, lambda size: progress.advance(bar, size))
            return await runtime.use_cases.students.import_students(read_rows(chunks, str(file)), clear=clear)

    report = runner.run_provisioned(config, work)
    if not json:
        for bad in report.bad_rows:
            runner.err.print(escape_unprintable(f"line {bad.line}: {bad.reason}"), soft_wrap=True)
        for each in report.warnings:
            not_taken = f"line {each.line}: {each.column} {each.value!r} {each.reason}; it was not taken"
            runner.err.print(escape_unprintable(not_taken), soft_wrap=True)
        for column, values in report.withheld.items():
            runner.err.print(f"column {column} is empty in every row: {values} values stay; --clear removes them")
    runner.print(report, summary, json=json)
    if report.rejected:
        raise typer.Exit(1)


def summary(report: RosterReport) -> str:
    """Return the counts of an import."""
    kept = f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged"
    cleared = f"; {report.cleared} values cleared" if report.cleared else ""
    warned = f", {report.warned} contacts not taken" if report.warned else ""
    return f"{report.read} rows: {kept}, {report.rejected} rejected{warned}{cleared}"
