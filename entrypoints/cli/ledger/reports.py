"""`bursar ledger day-book` and `collection`: what accountants take from the ledger."""

from typing import Annotated

import typer

from core.kernel.report import Report
from core.ledger.reports.write_collection import CollectionLine
from core.ledger.reports.write_day_book import DayBookLine
from entrypoints.cli.command_runner import ConfigFile
from entrypoints.cli.options import required_day
from entrypoints.cli.reports import AsFormat, Format, ToFile, write_report
from entrypoints.cli.runtime import Runtime

Day = Annotated[str, typer.Argument(metavar="DAY", help="A day in the time zone of the office: 2026-11-20.")]
First = Annotated[str, typer.Option("--from", metavar="DAY", help="The first day.")]
Last = Annotated[str, typer.Option("--to", metavar="DAY", help="The last day.")]
OfSchedule = Annotated[str, typer.Option("--schedule", metavar="CODE", help="Only of this schedule.")]
Daily = Annotated[bool, typer.Option("--daily", help="A line for each day, instead of one for all.")]
commands = typer.Typer()


@commands.command("day-book", epilog="Example: bursar ledger day-book 2026-11-20 --out day.csv")
def day_book(
    context: typer.Context,
    day: Day,
    to_file: ToFile = None,
    form: AsFormat = Format.CSV,
    config: ConfigFile = None,
) -> None:
    """Write every posting of a day, between the opening and the closing balances of accounts."""

    async def make(runtime: Runtime) -> Report[DayBookLine]:
        return await runtime.use_cases.ledger.write_day_book(required_day(day, "$.day"))

    write_report(context.obj, config, make, to_file, form)


@commands.command(epilog="Example: bursar ledger collection --from 2026-11-01 --to 2026-11-30 --out november.csv")
def collection(
    context: typer.Context,
    since: First,
    until: Last,
    schedule: OfSchedule = "",
    daily: Daily = False,
    to_file: ToFile = None,
    form: AsFormat = Format.CSV,
    config: ConfigFile = None,
) -> None:
    """Write what was charged, waived, fined, collected and refunded, by schedule and head."""

    async def make(runtime: Runtime) -> Report[CollectionLine]:
        first, last = required_day(since, "$.from"), required_day(until, "$.to")
        return await runtime.use_cases.ledger.write_collection(first, last, schedule, daily=daily)

    write_report(context.obj, config, make, to_file, form)
