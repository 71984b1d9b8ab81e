"""Commands that load what the fee office works with."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from core.fees.errors import InvalidSchedule
from core.fees.schedule import FeeSchedule
from core.students.import_students import RosterReport
from core.students.roster import rows
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.files import read_chunks
from entrypoints.cli.runtime import Runtime

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)]


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""
    imports = typer.Typer(name="import", help="Load students or fee schedules.", no_args_is_help=True)
    cli.add_typer(imports)

    @imports.command(epilog="Example: bursar import students roster.csv")
    def students(file: File, config: ConfigFile = None, json: AsJson = False) -> None:
        """Take over a roster: CSV whose first line names the columns; good rows are kept, bad ones reported."""

        async def work(office: Runtime) -> RosterReport:
            with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
                bar = progress.add_task("importing", total=file.stat().st_size)
                bytes_of = read_chunks(file, lambda size: progress.advance(bar, size))
                report: RosterReport = await office.use_cases["import_students"]()(rows(bytes_of))
            return report

        report = runner.run_provisioned(config, work)
        if json:
            runner.print_json(report)
        else:
            for bad in report.bad_rows:
                runner.err.print(f"line {bad.line}: {bad.reason}", soft_wrap=True)
            runner.out.print(
                f"{report.read} rows: {report.added} added, {report.changed} changed, "
                f"{report.unchanged} unchanged, {report.rejected} rejected",
                soft_wrap=True,
            )
        if report.rejected:
            raise typer.Exit(1)

    @imports.command(epilog="Example: bursar import schedule neet-ug-2026.toml")
    def schedule(files: Files, config: ConfigFile = None, json: AsJson = False) -> None:
        """Put fee schedules in force; a change makes a new version."""

        async def work(office: Runtime) -> list[FeeSchedule]:
            publish = office.use_cases["publish_fee_schedule"]
            return [await publish()(document(file)) for file in files]

        published = runner.run_provisioned(config, work)
        if json:
            runner.print_json(published)
        else:
            for each in published:
                kit = f", with the kit {each.kit}" if each.kit else ""
                runner.out.print(f"{each.code}, version {each.version}: {each.title}{kit}", soft_wrap=True)


def document(file: Path) -> dict[str, Any]:
    """Read a TOML file."""
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSchedule(f"{file} is not TOML: {error}") from error
