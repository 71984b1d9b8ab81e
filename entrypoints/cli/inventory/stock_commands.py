"""`bursar inventory`: commands that change batches and order lines."""

from collections.abc import Sequence
from typing import Annotated

import typer

from core.inventory.create_batch import Purchase
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import LineKey
from core.inventory.ship_order import Shipment
from core.inventory.stock_level import StockChange
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.inventory.stock_tables import change_summary, lines_table
from entrypoints.cli.options import Order, Sku, parse_day, parse_moment
from entrypoints.cli.runtime import Runtime

Reference = Annotated[str, typer.Argument(help="Reference of the batch: SU-KITS-2026-1.")]
Pieces = Annotated[int, typer.Argument(metavar="QUANTITY", help="How many pieces.")]
Arrival = Annotated[str | None, typer.Option("--eta", metavar="DAY", help="When they arrive: 2027-01-15.")]
Arrived = Annotated[bool, typer.Option("--arrived", help="The batch is in the warehouse.")]
OneSku = Annotated[str | None, typer.Option("--sku", help="Only this of the order.")]
Everything = Annotated[bool, typer.Option("--everything", help="All lines of the order.")]
Split = Annotated[bool, typer.Option("--split", help="The pieces may come from several batches.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for stock where there is none.")]
Priority = Annotated[int, typer.Option(min=0, max=9, help="Lines with a higher number give pieces up first.")]
Hold = Annotated[str | None, typer.Option("--hold-until", metavar="MOMENT", help="Then the pieces return to stock.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar inventory create-batch SU-KITS-2026-2 SU-EXAM-KIT 500")
def create_batch(
    context: typer.Context,
    reference: Reference,
    sku: Sku,
    quantity: Pieces,
    eta: Arrival = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Take bought goods into account; lines that wait get theirs, the oldest first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> StockChange:
        purchase = Purchase(reference=reference, sku=sku, quantity=quantity, eta=parse_day(eta, "$.eta"))
        request = RequestContext(arrived=runtime.clock.now())
        return await runtime.use_cases.inventory.create_batch(purchase, request)

    runner.print(runner.run_provisioned(config, work), change_summary, json=json)


@commands.command(epilog="Example: bursar inventory change-quantity SU-KITS-2026-2 480")
def change_quantity(
    context: typer.Context, reference: Reference, quantity: Pieces, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Correct how many pieces a batch has; where they become too few, the latest lines give theirs up."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> StockChange:
        return await runtime.use_cases.inventory.change_batch_quantity(reference, quantity)

    runner.print(runner.run_provisioned(config, work), change_summary, json=json)


@commands.command(epilog="Example: bursar inventory change-arrival SU-KITS-2026-2 --eta 2027-01-20")
def change_arrival(
    context: typer.Context,
    reference: Reference,
    eta: Arrival = None,
    arrived: Arrived = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Move the arrival of a batch to a day, or say that it is in the warehouse."""
    runner: CommandRunner = context.obj
    if (eta is None) is not arrived:
        raise typer.BadParameter("give either --eta with the day of arrival, or --arrived")

    async def work(runtime: Runtime) -> StockChange:
        request = RequestContext(arrived=runtime.clock.now())
        return await runtime.use_cases.inventory.change_arrival(reference, parse_day(eta, "$.eta"), request)

    runner.print(runner.run_provisioned(config, work), change_summary, json=json)


@commands.command(epilog="Example: bursar inventory allocate SCHOOL-17 SU-EXAM-KIT 40 --split --wait")
def allocate(
    context: typer.Context,
    order: Order,
    sku: Sku,
    quantity: Pieces,
    split: Split = False,
    wait: Wait = False,
    priority: Priority = 5,
    hold_until: Hold = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Allocate pieces to an order, once: the same again changes nothing."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[OrderLine]:
        demand = AllocationDemand(
            order=order,
            sku=sku,
            quantity=quantity,
            split=split,
            wait=wait,
            priority=priority,
            hold_until=parse_moment(hold_until, "$.hold_until"),
        )
        request = AllocationRequest(demand, RequestContext(arrived=runtime.clock.now()))
        (outcome,) = await runtime.use_cases.inventory.allocate_lines([request])
        if isinstance(outcome, CoreError):
            raise outcome
        return [outcome.line]

    runner.print(runner.run_provisioned(config, work), lines_table, json=json)


@commands.command(epilog="Example: bursar inventory deallocate SCHOOL-17 SU-EXAM-KIT")
def deallocate(context: typer.Context, order: Order, sku: Sku, config: ConfigFile = None, json: AsJson = False) -> None:
    """Return the pieces of a line to stock, or remove it from the backorders."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[OrderLine]:
        return [await runtime.use_cases.inventory.deallocate_line(LineKey(sku, order))]

    runner.print(runner.run_provisioned(config, work), lines_table, json=json)


@commands.command(epilog="Example: bursar inventory cancel SCHOOL-17")
def cancel(context: typer.Context, order: Order, config: ConfigFile = None, json: AsJson = False) -> None:
    """Cancel an order: everything it has returns to stock, or nothing does."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[OrderLine]:
        return await runtime.use_cases.inventory.cancel_order(order)

    runner.print(runner.run_provisioned(config, work), lines_table, json=json)


@commands.command(epilog="Example: bursar inventory ship SCHOOL-17 --everything")
def ship(
    context: typer.Context,
    order: Order,
    sku: OneSku = None,
    everything: Everything = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Record that one line of an order or everything was shipped, which is final."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[OrderLine]:
        shipment = Shipment(order=order, sku=sku, everything=everything)
        return await runtime.use_cases.inventory.ship_order(shipment.order, shipment.sku)

    runner.print(runner.run_provisioned(config, work), lines_table, json=json)
