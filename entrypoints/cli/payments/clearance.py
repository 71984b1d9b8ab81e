"""`bursar clear`: which candidates may sit the exam."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Table

from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

if TYPE_CHECKING:
    from core.payments.list_clearance import ClearancePage

FEES_PER_PAGE = 100
Schedule = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Code of the fee schedule: cbse-2020-xii.")]
ToFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the whole list of the exam hall.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
commands = typer.Typer()


@commands.command(epilog="Example: bursar clear cbse-2020-xii --csv hall.csv")
def clear(
    context: typer.Context,
    schedule: Schedule,
    to_file: ToFile = None,
    after: After = None,
    limit: Limit = FEES_PER_PAGE,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List who has settled the fee of a schedule; who is pending may be debited, and is no defaulter."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ClearancePage | None:
        from core.payments.list_clearance import clearance_file

        if to_file is None:
            return await runtime.use_cases.payments.list_clearance(schedule, after, limit)
        parts = clearance_file(runtime.use_cases.payments.list_clearance, schedule)
        first = await anext(parts)  # a refused request leaves a file of before as it is
        with to_file.open("wb") as file:
            file.write(first)
            async for part in parts:
                file.write(part)
        return None

    page = runner.run_provisioned(config, work)
    if page is None:
        return
    runner.print(page, clearance_table, json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


def clearance_table(page: ClearancePage) -> Table:
    """Return one row for each fee."""
    table = Table("registration", "reference", "centre", "cleared", "status", box=None)
    for each in page.items:
        table.add_row(each.registration, each.reference, each.centre, "yes" if each.cleared else "no", each.status)
    return table
