"""A line without stock can become a backorder, and is served before later lines."""

import pytest

from core.inventory.errors import OutOfStock
from core.inventory.order_line import AllocationDemand, LineState
from tests.unit.inventory.harness import KIT, InventoryHarness, taken

WAITING, ALLOCATED = LineState.WAITING, LineState.ALLOCATED


async def states(inventory: InventoryHarness, *orders: str) -> list[str]:
    return [str((await inventory.line(order)).state) for order in orders]


async def test_a_line_waits_only_on_request(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 1)
    with pytest.raises(OutOfStock):
        await inventory.order("o-1", 2)
    line = await inventory.order("o-2", 2, wait=True)

    assert (line.state, line.parts) == (WAITING, ())
    assert line.why == "2 KIT-XII are wanted, and no batch has more than 1 left"
    assert await inventory.lines("o-1") == {}


async def test_a_line_is_not_backordered_when_stock_suffices(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 2)

    assert (await inventory.order("o-1", 2, wait=True)).state is ALLOCATED


async def test_a_sku_without_purchases_can_be_backordered(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 2, wait=True)

    assert await inventory.kinds() == ["Queued", "OutOfStock"]
    assert (await inventory.sku()).waiting == 1


async def test_the_oldest_are_served_first_when_more_is_bought(inventory: InventoryHarness) -> None:
    for order in ("o-3", "o-1", "o-2"):
        await inventory.order(order, 2, wait=True)
    change = await inventory.buy("shelf", 5)

    assert change.served == 2
    assert change.batch.available == 1
    assert await states(inventory, "o-3", "o-1", "o-2") == [ALLOCATED, ALLOCATED, WAITING]


async def test_the_oldest_are_served_first_whatever_their_priority(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 2, wait=True, priority=9)
    await inventory.order("o-2", 2, wait=True, priority=0)
    await inventory.buy("shelf", 3)

    assert await states(inventory, "o-1", "o-2") == [ALLOCATED, WAITING]


async def test_a_backorder_too_large_to_serve_is_skipped_and_keeps_its_position(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 4, wait=True)
    await inventory.order("o-2", 2, wait=True)
    await inventory.buy("first", 3)
    assert await states(inventory, "o-1", "o-2") == [WAITING, ALLOCATED]

    await inventory.order("o-3", 4, wait=True)
    await inventory.buy("second", 4)
    assert await states(inventory, "o-1", "o-3") == [ALLOCATED, WAITING]


async def test_a_backorder_is_split_over_batches_only_if_allowed(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 3)
    await inventory.order("o-1", 5, wait=True)
    await inventory.order("o-2", 5, wait=True, split=True)
    await inventory.buy("second", 3)

    assert await states(inventory, "o-1") == [WAITING]
    assert taken(await inventory.line("o-2")) == {"first": 3, "second": 2}


async def test_a_later_line_may_take_stock_too_small_for_the_backorders(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.order("o-1", 4, wait=True)

    assert (await inventory.order("o-2", 3)).state is ALLOCATED


async def test_returned_units_serve_backorders(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 5)
    await inventory.order("o-2", 3, wait=True)
    await inventory.announced_since()
    await inventory.deallocate_line("o-1")

    assert taken(await inventory.line("o-2")) == {"shelf": 3}
    assert await inventory.kinds() == ["Deallocated", "Allocated"]


async def test_a_line_that_waits_is_asked_for_once_too(inventory: InventoryHarness) -> None:
    first = await inventory.order("o-1", 2, wait=True)
    await inventory.announced_since()

    assert await inventory.order("o-1", 2, wait=True) == first
    assert await inventory.order("o-1", 2) == first
    assert await inventory.announced_since() == []
    assert (await inventory.sku()).waiting == 1


async def test_a_cancelled_backorder_is_not_served(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 2, wait=True)
    await inventory.deallocate_line("o-1")
    change = await inventory.buy("shelf", 5)

    assert (change.served, (await inventory.sku()).waiting) == (0, 0)


async def test_a_cancelled_backorder_that_is_renewed_is_last_in_the_queue(inventory: InventoryHarness) -> None:
    for order in ("o-1", "o-2"):
        await inventory.order(order, 2, wait=True)
    await inventory.deallocate_line("o-1")
    await inventory.order("o-1", 2, wait=True)
    await inventory.buy("shelf", 3)

    assert await states(inventory, "o-1", "o-2") == [WAITING, ALLOCATED]


async def test_backorders_of_one_request_keep_their_order(inventory: InventoryHarness) -> None:
    await inventory.ask(*(AllocationDemand(order=order, sku=KIT, quantity=2, wait=True) for order in ("o-2", "o-1")))
    await inventory.buy("shelf", 3)

    assert await states(inventory, "o-2", "o-1") == [ALLOCATED, WAITING]
