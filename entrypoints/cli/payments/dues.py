"""`bursar dues`: what the candidates of a schedule owe, as of any day."""

from typing import Annotated

import typer

from core.kernel.report import Report
from core.payments.write_dues import DueLine
from core.payments.write_dues_by_centre import CentreDueLine
from entrypoints.cli.command_runner import ConfigFile
from entrypoints.cli.options import parse_day
from entrypoints.cli.reports import AsFormat, Format, ToFile, write_report
from entrypoints.cli.runtime import Runtime

Schedule = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Code of the fee schedule: cbse-2020-xii.")]
Day = Annotated[
    str | None, typer.Option("--day", metavar="DAY", help="As of the end of this day in the office's zone.")
]
Centre = Annotated[str, typer.Option("--centre", metavar="CENTRE", help="Only of this centre.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar dues list cbse-2020-xii --day 2026-11-20 --out dues.csv")
def list_of_schedule(
    context: typer.Context,
    schedule: Schedule,
    day: Day = None,
    centre: Centre = "",
    to_file: ToFile = None,
    form: AsFormat = Format.CSV,
    config: ConfigFile = None,
) -> None:
    """Write what each candidate owes who was charged by then; what is pending is no debt, and not overdue."""

    async def make(runtime: Runtime) -> Report[DueLine]:
        return await runtime.use_cases.payments.write_dues(schedule, parse_day(day, "$.day"), centre)

    write_report(context.obj, config, make, to_file, form)


@commands.command(epilog="Example: bursar dues centres cbse-2020-xii --format json")
def centres(
    context: typer.Context,
    schedule: Schedule,
    day: Day = None,
    to_file: ToFile = None,
    form: AsFormat = Format.CSV,
    config: ConfigFile = None,
) -> None:
    """Write what the candidates of each centre owe."""

    async def make(runtime: Runtime) -> Report[CentreDueLine]:
        return await runtime.use_cases.payments.write_dues_by_centre(schedule, parse_day(day, "$.day"))

    write_report(context.obj, config, make, to_file, form)
