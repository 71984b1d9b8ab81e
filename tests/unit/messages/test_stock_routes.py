"""What the events of the stores do here."""

import inspect
from datetime import timedelta

import msgspec
import pytest

from config.container import Application
from config.settings import Adapters, Settings
from core.inventory import events
from core.inventory.events import StockEvent
from entrypoints.messages.routes import routes
from entrypoints.messages.stock_events import STOCK_EVENT_TYPES
from tests.examples import StoppedClock, a_message
from tests.inventory_harness import KIT, Stores
from tests.unit.inventory.harness import TODAY


@pytest.fixture
def stores() -> Stores:
    application = Application(settings=Settings(adapters=Adapters(persistence="memory")))
    application.driven.clock.override(StoppedClock())
    return Stores(application)


def test_every_event_of_a_sku_is_taken_in() -> None:
    kinds = [kind for kind in vars(events).values() if inspect.isclass(kind) and kind.__module__ == events.__name__]

    told = {kind.__name__: kind for kind in kinds if issubclass(kind, StockEvent) and kind is not StockEvent}
    assert told == STOCK_EVENT_TYPES
    assert {("inventory", name) for name in told} <= routes({}).keys()


def test_events_for_views_only_are_processed_in_runs() -> None:
    table = routes({})

    assert len({table["inventory", kind] for kind in STOCK_EVENT_TYPES if kind != "OutOfStock"}) == 1


async def test_a_shortage_is_projected_and_notified(stores: Stores) -> None:
    await stores.buy("B-1", 1)
    await stores.allocate("order-1", 2, wait=True)
    await stores.take_in()
    await stores.take_in()

    assert [each.type for each in await stores.announced()] == ["BatchCreated", "Queued", "OutOfStock"]
    assert await stores.driven.projection_progress().version(KIT) == 3
    assert {each.template for each in stores.driven.store().deliveries.values()} == {"out_of_stock"}


async def test_a_replay_makes_a_view_again_that_was_lost(stores: Stores) -> None:
    await stores.buy("B-1")
    line = await stores.allocate("order-1")
    events = await stores.announced()
    await stores.take_in()
    stores.driven.store().line_views.clear()

    async with stores.driven.new_inbox() as inbox:
        for event in events:
            await routes(stores.use_cases)[event.context, event.type]([event], inbox.new_work)
        await inbox.commit()

    assert await stores.lines("order-1") == {KIT: line}


@pytest.mark.parametrize(("article", "pieces"), [("OTHER", 50), (KIT, -5), (KIT, 3), (KIT, 5_000_000)])
async def test_a_delivery_that_cannot_be_as_the_warehouse_says_changes_nothing(
    stores: Stores, article: str, pieces: int
) -> None:
    await stores.buy("D-1", 10, eta=TODAY + timedelta(days=3))
    await stores.allocate("gone", 5)
    await stores.use_cases["ship_order"]()("gone")
    before = await stores.announced()
    said = msgspec.json.encode({"delivery_note": "D-1", "article": article, "pieces": pieces})
    await stores.consume([a_message(type="GoodsReceived", context="warehouse", body=said)])

    assert [event.type for event in await stores.announced(before)] == ["StockCommandRefused"]
