"""The effects of inventory events."""

import inspect
from datetime import timedelta

import msgspec
import pytest

from core.inventory import events
from core.inventory.events import StockEvent
from core.inventory.order_line import LineState
from entrypoints.messages.consumer import Consumer
from entrypoints.messages.inventory import STOCK_EVENT_TYPES
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.examples import StoppedClock, a_message
from tests.inventory_harness import KIT, InventoryHarness
from tests.unit.inventory.harness import TODAY


@pytest.fixture
def inventory() -> InventoryHarness:
    application = an_application()
    application.process.clock.override(StoppedClock())
    return InventoryHarness(application)


def test_every_stock_event_has_a_route() -> None:
    kinds = [kind for kind in vars(events).values() if inspect.isclass(kind) and kind.__module__ == events.__name__]

    handled = {kind.MESSAGE_TYPE: kind for kind in kinds if issubclass(kind, StockEvent) and kind is not StockEvent}
    assert handled == STOCK_EVENT_TYPES
    assert {("inventory", name) for name in handled} <= ROUTES.table.keys()


def test_events_for_views_only_are_processed_in_runs() -> None:
    table = ROUTES.table

    assert len({table["inventory", kind] for kind in STOCK_EVENT_TYPES if kind != "OutOfStock"}) == 1


async def test_a_shortage_is_projected_and_notified(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1", 1)
    await inventory.allocate("order-1", 2, wait=True)
    await inventory.take_in()
    await inventory.take_in()

    assert [each.type for each in await inventory.announced()] == ["BatchCreated", "Queued", "OutOfStock"]
    assert await inventory.application.inventory.projection_progress().version(KIT) == 3
    assert {each.template for each in inventory.application.storage.memory().deliveries.values()} == {"out_of_stock"}


async def test_a_replay_restores_a_lost_view(inventory: InventoryHarness) -> None:
    await inventory.buy("B-1")
    line = await inventory.allocate("order-1")
    events = await inventory.announced()
    await inventory.take_in()
    inventory.application.storage.memory().line_views.clear()

    async with inventory.application.messaging.new_inbox() as inbox:
        for event in events:
            await ROUTES.process([event], inventory.use_cases.within(inbox))
        await inbox.commit()

    assert await inventory.lines("order-1") == {KIT: line}


@pytest.mark.parametrize(("article", "pieces"), [("OTHER", 50), (KIT, -5), (KIT, 3), (KIT, 5_000_000)])
async def test_an_impossible_goods_receipt_changes_nothing(
    inventory: InventoryHarness, article: str, pieces: int
) -> None:
    await inventory.buy("D-1", 10, eta=TODAY + timedelta(days=3))
    await inventory.allocate("gone", 5)
    await inventory.use_cases.inventory.ship_order("gone")
    before = await inventory.announced()
    said = msgspec.json.encode({"delivery_note": "D-1", "article": article, "pieces": pieces})
    await inventory.consume([a_message(type="GoodsReceived", context="warehouse", body=said)])

    assert [event.type for event in await inventory.announced(before)] == ["StockCommandRefused"]


@pytest.mark.parametrize(
    ("context", "kind", "named"),
    [("inventory.commands", "ShipOrder", "sku"), ("warehouse", "GoodsDispatched", "article")],
)
async def test_a_whole_order_is_shipped_only_in_so_many_words(
    inventory: InventoryHarness, context: str, kind: str, named: str
) -> None:
    for sku in (KIT, "GOWN"):
        await inventory.buy(f"B-{sku}", 10, sku=sku)
        await inventory.allocate("order-1", 5, sku=sku)
    consumer = Consumer(inventory.application.messaging.new_inbox, ROUTES, inventory.use_cases)

    async def shipped(**body: object) -> int:
        said = msgspec.json.encode({"order": "order-1", **body})
        await consumer([a_message(type=kind, context=context, body=said)])
        lines = inventory.application.storage.memory().order_lines.values()
        return sum(line.state is LineState.SHIPPED for line in lines)

    wrong: list[dict[str, object]] = [{}, {named: None}, {"everything": False}, {"articel": KIT}]
    assert [await shipped(**body) for body in [*wrong, {named: KIT, "everything": True}]] == [0] * 5
    refused = [event for event in await inventory.announced() if event.type == "StockCommandRefused"]
    assert [msgspec.json.decode(event.body)["field"] for event in refused] == [
        f"$.{name}" for name in (named, named, named, "articel", "everything")
    ]
    assert [await shipped(**{named: KIT}), await shipped(everything=True)] == [1, 2]
