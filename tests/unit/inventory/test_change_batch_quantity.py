"""The quantity of a batch changes, and no line is lost."""

import pytest

from core.inventory import change_batch_quantity
from core.inventory.errors import InvalidQuantity, QuantityBelowShipped, TooManyLines, UnknownBatch
from core.inventory.order_line import LineState
from tests.unit.inventory.harness import InventoryHarness, taken

WAITING, ALLOCATED = LineState.WAITING, LineState.ALLOCATED


async def backordered_orders(inventory: InventoryHarness, *orders: str) -> list[str]:
    return [order for order in orders if (await inventory.line(order)).state is WAITING]


async def test_a_reduced_batch_loses_unallocated_units_first(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 10)
    await inventory.order("o-1", 4)
    change = await inventory.change_quantity("shelf", 4)

    assert (change.batch.purchased, change.batch.available, change.batch.allocated, change.gave_up) == (4, 0, 4, 0)
    assert taken(await inventory.line("o-1")) == {"shelf": 4}


async def test_lines_are_deallocated_by_highest_priority_number_then_newest_first(inventory: InventoryHarness) -> None:
    orders = {"o-1": 9, "o-2": 5, "o-3": 9, "o-4": 0, "o-5": 5}
    await inventory.buy("shelf", 10)
    for order, priority in orders.items():
        await inventory.order(order, 2, priority=priority)
    expected = ["o-3", "o-1", "o-5", "o-2", "o-4"]
    for count in range(1, 6):
        await inventory.change_quantity("shelf", 10 - 2 * count)
        assert set(await backordered_orders(inventory, *orders)) == set(expected[:count])


async def test_only_as_many_lines_are_deallocated_as_necessary(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 10)
    for order in ("o-1", "o-2"):
        await inventory.order(order, 5)
    change = await inventory.change_quantity("shelf", 9)

    assert (change.gave_up, change.served, change.batch.available) == (1, 0, 4)
    assert await backordered_orders(inventory, "o-1", "o-2") == ["o-2"]


async def test_a_deallocated_line_is_reallocated_from_other_batches(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 5)
    await inventory.buy("other", 5)
    await inventory.announced_since()
    change = await inventory.change_quantity("shelf", 0)

    assert (change.gave_up, change.served) == (1, 1)
    assert taken(await inventory.line("o-1")) == {"other": 5}
    assert await inventory.kinds() == ["Deallocated", "BatchQuantityChanged", "Allocated"]


async def test_a_deallocated_line_without_stock_is_backordered_at_its_old_position(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 4)
    before = await inventory.order("o-1", 4)
    await inventory.order("o-2", 4, wait=True)
    await inventory.change_quantity("shelf", 3)
    line = await inventory.line("o-1")
    assert (line.state, line.place, line.parts) == (WAITING, before.place, ())
    assert line.why == "its batch became too small"

    await inventory.change_quantity("shelf", 4)
    assert await backordered_orders(inventory, "o-1", "o-2") == ["o-2"]


async def test_leftover_units_of_a_deallocated_line_serve_the_oldest_backorder(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 6)
    await inventory.order("o-1", 5)
    await inventory.order("o-2", 3, wait=True)
    change = await inventory.change_quantity("shelf", 4)

    assert (change.gave_up, change.served) == (1, 1)
    assert taken(await inventory.line("o-2")) == {"shelf": 3}
    assert await backordered_orders(inventory, "o-1") == ["o-1"]


async def test_a_line_of_several_batches_gives_all_of_them_back(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 3)
    await inventory.buy("second", 3)
    await inventory.order("o-1", 5, split=True)
    await inventory.change_quantity("second", 1)

    assert [await inventory.left("first"), await inventory.left("second")] == [3, 1]
    assert await backordered_orders(inventory, "o-1") == ["o-1"]


async def test_shipped_units_cannot_be_deallocated(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 10)
    await inventory.order("o-1", 4, priority=9)
    await inventory.order("o-2", 4)
    await inventory.ship("o-1")
    await inventory.announced_since()
    with pytest.raises(QuantityBelowShipped) as refusal:
        await inventory.change_quantity("shelf", 3)
    assert refusal.value.facts == {"shipped": "4"}
    assert await inventory.announced_since() == []

    assert (await inventory.change_quantity("shelf", 4)).gave_up == 1
    assert await backordered_orders(inventory, "o-2") == ["o-2"]


async def test_a_batch_may_turn_out_to_have_nothing_at_all(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 5)
    change = await inventory.change_quantity("shelf", 0)

    assert (change.batch.purchased, change.batch.available, change.batch.allocated) == (0, 0, 0)


async def test_a_reduction_of_too_many_lines_is_refused_with_the_lowest_possible_quantity(
    inventory: InventoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_batch_quantity, "MAX_LINES_DEALLOCATED_PER_TRANSACTION", 3)
    await inventory.buy("shelf", 12)
    for number in range(5):
        await inventory.order(f"o-{number}", 2)
    before, _ = await inventory.sku(), await inventory.announced_since()
    with pytest.raises(TooManyLines) as refusal:
        await inventory.change_quantity("shelf", 3)

    assert refusal.value.facts == {"lowest": "4"}
    assert "reduce the batch to 4 first" in str(refusal.value)
    assert await inventory.announced_since() == []
    assert ((await inventory.sku()).stock.batches, (await inventory.sku()).version) == (
        before.stock.batches,
        before.version,
    )
    assert (await inventory.change_quantity("shelf", 4)).gave_up == 3
    assert (await inventory.change_quantity("shelf", 3)).gave_up == 1


async def test_an_increased_batch_serves_backorders(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 2)
    for order in ("o-1", "o-2"):
        await inventory.order(order, 4, wait=True)
    change = await inventory.change_quantity("shelf", 5)

    assert (change.served, change.batch.available) == (1, 1)
    assert await backordered_orders(inventory, "o-1", "o-2") == ["o-2"]


async def test_the_same_quantity_changes_nothing(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 2)
    await inventory.announced_since()
    await inventory.change_quantity("shelf", 2)

    assert await inventory.announced_since() == []


async def test_a_batch_that_is_not_there_is_unknown(inventory: InventoryHarness) -> None:
    with pytest.raises(UnknownBatch, match="there is no batch shelf"):
        await inventory.change_quantity("shelf", 2)


@pytest.mark.parametrize("quantity", [-1, 1_000_001])
async def test_a_batch_has_no_such_quantity(inventory: InventoryHarness, quantity: int) -> None:
    await inventory.buy("shelf", 2)
    with pytest.raises(InvalidQuantity, match="0 to 1,000,000") as refusal:
        await inventory.change_quantity("shelf", quantity)

    assert refusal.value.at == "$.quantity"
