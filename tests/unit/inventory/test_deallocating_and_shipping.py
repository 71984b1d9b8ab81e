"""A line ends: it is deallocated, cancelled with its order, or shipped."""

import pytest

from core.inventory.errors import AlreadyShipped, LineAlreadyAllocated, LineWaits, UnknownOrderLine, UnknownSku
from core.inventory.order_line import LineState
from tests.unit.inventory.harness import KIT, InventoryHarness, taken

SHIPPED, CANCELLED, ALLOCATED = LineState.SHIPPED, LineState.CANCELLED, LineState.ALLOCATED


@pytest.fixture
async def stocked(inventory: InventoryHarness) -> InventoryHarness:
    await inventory.buy("shelf", 5)
    await inventory.buy("rail", 5, sku="GOWN")
    await inventory.order("o-1", 2)
    await inventory.order("o-1", 3, sku="GOWN")
    await inventory.announced_since()
    return inventory


async def states(inventory: InventoryHarness, order: str) -> dict[str, str]:
    return {sku: str(line.state) for sku, line in (await inventory.lines(order)).items()}


async def test_what_was_deallocated_is_stock_again(stocked: InventoryHarness) -> None:
    line = await stocked.deallocate_line("o-1")
    [told] = await stocked.announced_since()

    assert (line.state, line.parts) == (LineState.DEALLOCATED, ())
    assert (told.type, told.body["reason"], told.body["batches"][0]["allocated"]) == ("Deallocated", "deallocated", 0)
    assert await stocked.left("shelf") == 5


async def test_a_line_is_deallocated_once(stocked: InventoryHarness) -> None:
    await stocked.deallocate_line("o-1")
    with pytest.raises(UnknownOrderLine):
        await stocked.deallocate_line("o-1")
    with pytest.raises(UnknownOrderLine, match="order o-9 has no line of KIT-XII"):
        await stocked.deallocate_line("o-9")
    with pytest.raises(UnknownSku):
        await stocked.deallocate_line("o-1", "HAT")


async def test_a_cancelled_order_gives_everything_back(stocked: InventoryHarness) -> None:
    await stocked.order("o-2", 4, wait=True)
    lines = await stocked.cancel("o-1")

    assert {line.sku: line.state for line in lines} == {KIT: CANCELLED, "GOWN": CANCELLED}
    assert await stocked.left("rail", "GOWN") == 5
    assert taken(await stocked.line("o-2")) == {"shelf": 4}


async def test_an_order_is_cancelled_as_a_whole_or_not_at_all(stocked: InventoryHarness) -> None:
    await stocked.ship("o-1", "GOWN")
    await stocked.announced_since()
    with pytest.raises(AlreadyShipped, match=r"was shipped in part \(GOWN\)"):
        await stocked.cancel("o-1")

    assert await states(stocked, "o-1") == {KIT: ALLOCATED, "GOWN": SHIPPED}
    assert await stocked.announced_since() == []


async def test_what_was_given_back_before_does_not_keep_an_order_from_being_cancelled(
    stocked: InventoryHarness,
) -> None:
    await stocked.deallocate_line("o-1", "GOWN")

    assert [line.sku for line in await stocked.cancel("o-1")] == [KIT]
    assert await states(stocked, "o-1") == {KIT: CANCELLED, "GOWN": LineState.DEALLOCATED}


async def test_an_order_is_cancelled_once(stocked: InventoryHarness) -> None:
    await stocked.cancel("o-1")
    for order in ("o-1", "o-9"):
        with pytest.raises(UnknownOrderLine):
            await stocked.cancel(order)


async def test_an_order_that_waits_can_be_cancelled(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 2, wait=True)
    await inventory.cancel("o-1")

    assert (await inventory.sku()).waiting == 0


async def test_what_was_shipped_stays_allocated_and_cannot_come_back(stocked: InventoryHarness) -> None:
    lines = await stocked.ship("o-1")
    batch = (await stocked.sku()).stock.batches["shelf"]

    assert [line.state for line in lines] == [SHIPPED, SHIPPED]
    assert (batch.purchased, batch.allocated, batch.shipped) == (5, 2, 2)
    assert await stocked.kinds() == ["Shipped", "Shipped"]
    for act in (stocked.deallocate_line("o-1"), stocked.cancel("o-1")):
        with pytest.raises(AlreadyShipped):
            await act


async def test_a_parcel_may_go_in_parts(stocked: InventoryHarness) -> None:
    assert [line.sku for line in await stocked.ship("o-1", KIT)] == [KIT]
    assert [line.sku for line in await stocked.ship("o-1")] == ["GOWN"]


async def test_a_line_is_shipped_once(stocked: InventoryHarness) -> None:
    await stocked.ship("o-1")
    with pytest.raises(AlreadyShipped):
        await stocked.ship("o-1", KIT)
    for order, sku in (("o-1", None), ("o-9", None), ("o-1", "HAT")):
        with pytest.raises(UnknownOrderLine):
            await stocked.ship(order, sku)


async def test_what_waits_is_not_shipped_and_keeps_the_rest_of_its_order(stocked: InventoryHarness) -> None:
    await stocked.order("o-1", 1, sku="HAT", wait=True)
    with pytest.raises(LineWaits):
        await stocked.ship("o-1")

    assert (await states(stocked, "o-1"))[KIT] == ALLOCATED
    assert [line.sku for line in await stocked.ship("o-1", KIT)] == [KIT]


async def test_a_shipped_line_asked_for_again_is_the_same_line(stocked: InventoryHarness) -> None:
    await stocked.ship("o-1")

    assert (await stocked.order("o-1", 2)).state is SHIPPED
    with pytest.raises(LineAlreadyAllocated):
        await stocked.order("o-1", 3)
