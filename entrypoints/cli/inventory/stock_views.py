"""`bursar inventory`: commands that show orders and availability."""

from typing import Annotated

import typer

from core.inventory.freshness import Freshness
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.inventory.stock_tables import availability_table, lines_table, passed_over_batches
from entrypoints.cli.options import Order, Sku, parse_day
from entrypoints.cli.runtime import Runtime

OnDay = Annotated[str | None, typer.Option("--on", metavar="DAY", help="Only what is there by then: 2027-01-15.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar inventory show SCHOOL-17")
def show(context: typer.Context, order: Order, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show what an order has: from which batches, why those, and what was passed over."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> OrderAllocations:
        return await runtime.use_cases.inventory.show_allocations(order, Freshness())

    found = runner.run_provisioned(config, work)
    runner.print(found, lambda found: lines_table(found.lines), json=json)
    if not json:
        for text in passed_over_batches(found):
            runner.out.print(text, soft_wrap=True)


@commands.command(epilog="Example: bursar inventory left SU-EXAM-KIT --on 2027-01-15")
def left(context: typer.Context, sku: Sku, on: OnDay = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show how many pieces are not allocated, now and after each arrival."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Availability:
        day = parse_day(on, "$.on")
        return await runtime.use_cases.inventory.show_availability(sku, day, Freshness())

    found = runner.run_provisioned(config, work)
    runner.print(found, lambda found: availability_table(found, on), json=json)
