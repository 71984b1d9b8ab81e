"""Commands of the storekeeper."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from core.inventory.create_batch import Purchase
from core.inventory.freshness import Freshness
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.inventory.ports import LineKey
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from core.inventory.stock_level import StockChange
from core.kernel.errors import CoreError, Invalid
from core.kernel.idempotency import RequestContext
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, escape_unprintable
from entrypoints.cli.inventory.stock_tables import as_table, as_text, availability_table
from entrypoints.cli.options import parse_moment
from entrypoints.cli.runtime import Runtime

Reference = Annotated[str, typer.Argument(help="Reference of the batch: SU-KITS-2026-1.")]
Order = Annotated[str, typer.Argument(help="Id of the order; for the kit of an exam fee, its reference.")]
OfSku = Annotated[str, typer.Argument(metavar="SKU", help="What goods: SU-EXAM-KIT.")]
Pieces = Annotated[int, typer.Argument(metavar="QUANTITY", help="How many pieces.")]
Arrival = Annotated[str | None, typer.Option("--eta", metavar="DAY", help="When they arrive: 2027-01-15.")]
OnDay = Annotated[str | None, typer.Option("--on", metavar="DAY", help="Only what is there by then: 2027-01-15.")]
OneSku = Annotated[str | None, typer.Option("--sku", help="Only this of the order.")]
Split = Annotated[bool, typer.Option("--split", help="The pieces may come from several batches.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for stock where there is none.")]
Priority = Annotated[int, typer.Option(min=0, max=9, help="Who has the higher number gives pieces up first.")]
Hold = Annotated[str | None, typer.Option("--hold-until", metavar="MOMENT", help="Then the pieces return to stock.")]


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""
    stores = typer.Typer(help="The stores: what was bought, and who gets it.", no_args_is_help=True)
    cli.add_typer(stores, name="stores")

    def told(change: StockChange, *, json: bool) -> None:
        runner.print_json(change) if json else runner.out.print(as_text(change), soft_wrap=True)

    def listed(lines: Sequence[OrderLine], *, json: bool) -> None:
        runner.print_json(lines) if json else runner.out.print(as_table(lines))

    @stores.command("create-batch", epilog="Example: bursar stores create-batch SU-KITS-2026-2 SU-EXAM-KIT 500")
    def create_batch(
        reference: Reference,
        sku: OfSku,
        quantity: Pieces,
        eta: Arrival = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """Take bought goods into account; lines that wait get theirs, the oldest first."""

        async def work(office: Runtime) -> StockChange:
            purchase = Purchase(reference=reference, sku=sku, quantity=quantity, eta=day(eta))
            change: StockChange = await office.use_cases["create_batch"]()(
                purchase, RequestContext(arrived=office.clock.now())
            )
            return change

        told(runner.run_provisioned(config, work), json=json)

    @stores.command("change-quantity", epilog="Example: bursar stores change-quantity SU-KITS-2026-2 480")
    def change_quantity(
        reference: Reference, quantity: Pieces, config: ConfigFile = None, json: AsJson = False
    ) -> None:
        """Correct how many pieces a batch has; where they become too few, the latest lines give theirs up."""

        async def work(office: Runtime) -> StockChange:
            change: StockChange = await office.use_cases["change_batch_quantity"]()(reference, quantity)
            return change

        told(runner.run_provisioned(config, work), json=json)

    @stores.command("change-arrival", epilog="Example: bursar stores change-arrival SU-KITS-2026-2 --eta 2027-01-20")
    def change_arrival(
        reference: Reference, eta: Arrival = None, config: ConfigFile = None, json: AsJson = False
    ) -> None:
        """Move the arrival of a batch; without a day it is in the warehouse."""

        async def work(office: Runtime) -> StockChange:
            request = RequestContext(arrived=office.clock.now())
            change: StockChange = await office.use_cases["change_arrival"]()(reference, day(eta), request)
            return change

        told(runner.run_provisioned(config, work), json=json)

    @stores.command(epilog="Example: bursar stores allocate SCHOOL-17 SU-EXAM-KIT 40 --split --wait")
    def allocate(
        order: Order,
        sku: OfSku,
        quantity: Pieces,
        split: Split = False,
        wait: Wait = False,
        priority: Priority = 5,
        hold_until: Hold = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """Allocate pieces to an order, once: the same again changes nothing."""

        async def work(office: Runtime) -> Sequence[OrderLine]:
            demand = AllocationDemand(
                order=order,
                sku=sku,
                quantity=quantity,
                split=split,
                wait=wait,
                priority=priority,
                hold_until=parse_moment(hold_until, "$.hold_until"),
            )
            request = AllocationRequest(demand, RequestContext(arrived=office.clock.now()))
            (outcome,) = await office.use_cases["allocate_lines"]()([request])
            if isinstance(outcome, CoreError):
                raise outcome
            return [outcome.line]

        listed(runner.run_provisioned(config, work), json=json)

    @stores.command(epilog="Example: bursar stores deallocate SCHOOL-17 SU-EXAM-KIT")
    def deallocate(order: Order, sku: OfSku, config: ConfigFile = None, json: AsJson = False) -> None:
        """Return the pieces of a line to stock, or its place in the queue to nobody."""

        async def work(office: Runtime) -> Sequence[OrderLine]:
            line: OrderLine = await office.use_cases["deallocate_line"]()(LineKey(sku, order))
            return [line]

        listed(runner.run_provisioned(config, work), json=json)

    @stores.command(epilog="Example: bursar stores cancel SCHOOL-17")
    def cancel(order: Order, config: ConfigFile = None, json: AsJson = False) -> None:
        """Cancel an order: everything it has returns to stock, or nothing does."""

        async def work(office: Runtime) -> Sequence[OrderLine]:
            lines: Sequence[OrderLine] = await office.use_cases["cancel_order"]()(order)
            return lines

        listed(runner.run_provisioned(config, work), json=json)

    @stores.command(epilog="Example: bursar stores ship SCHOOL-17")
    def ship(order: Order, sku: OneSku = None, config: ConfigFile = None, json: AsJson = False) -> None:
        """Note that what an order has left the stores: nobody can take it back any more."""

        async def work(office: Runtime) -> Sequence[OrderLine]:
            lines: Sequence[OrderLine] = await office.use_cases["ship_order"]()(order, sku)
            return lines

        listed(runner.run_provisioned(config, work), json=json)

    @stores.command(epilog="Example: bursar stores show SCHOOL-17")
    def show(order: Order, config: ConfigFile = None, json: AsJson = False) -> None:
        """Show what an order has: from which batches, why those, and what was passed over."""

        async def work(office: Runtime) -> OrderAllocations:
            found: OrderAllocations = await office.use_cases["show_allocations"]()(order, Freshness())
            return found

        found = runner.run_provisioned(config, work)
        if json:
            runner.print_json(found)
            return
        runner.out.print(as_table(found.lines))
        for line in found.lines:
            for passed in line.passed_over:
                runner.out.print(
                    f"{line.sku}: {passed.batch} was passed over: {escape_unprintable(passed.why)}", soft_wrap=True
                )

    @stores.command(epilog="Example: bursar stores left SU-EXAM-KIT --on 2027-01-15")
    def left(sku: OfSku, on: OnDay = None, config: ConfigFile = None, json: AsJson = False) -> None:
        """Show how many pieces nobody has been given, now and after each arrival."""

        async def work(office: Runtime) -> Availability:
            found: Availability = await office.use_cases["show_availability"]()(sku, day(on, "on"), Freshness())
            return found

        found = runner.run_provisioned(config, work)
        if json:
            runner.print_json(found)
            return
        runner.out.print(availability_table(found, on))


def day(text: str | None, name: str = "eta") -> date | None:
    """Read a day of the calendar."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no day: write 2027-01-15", at=f"$.{name}") from error
