"""A shortage is recorded once."""

import pytest

from core.inventory.errors import OutOfStock
from tests.unit.inventory.harness import Announcement, InventoryHarness, a_request


async def refused(inventory: InventoryHarness, order: str, quantity: int = 5, sku: str = "KIT-XII") -> None:
    with pytest.raises(OutOfStock):
        await inventory.order(order, quantity, sku=sku)


async def shortage_events(inventory: InventoryHarness) -> list[Announcement]:
    return [told for told in await inventory.announced_since() if told.type == "OutOfStock"]


async def test_a_shortage_names_order_quantity_and_sku(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await refused(inventory, "o-1")
    [told] = await shortage_events(inventory)

    assert (told.sku, told.version) == ("KIT-XII", 2)
    assert {name: told.body[name] for name in ("order", "quantity", "available", "waiting")} == {
        "order": "o-1",
        "quantity": 5,
        "available": 3,
        "waiting": 0,
    }


async def test_a_shortage_is_told_once(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await refused(inventory, "o-1")
    await refused(inventory, "o-2")
    await inventory.order("o-3", 5, wait=True)

    assert [told.body["order"] for told in await shortage_events(inventory)] == ["o-1"]


async def test_each_sku_has_shortages_of_its_own(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("rail", 3, sku="GOWN")
    await refused(inventory, "o-1")
    await refused(inventory, "o-1", sku="GOWN")

    assert [told.sku for told in await shortage_events(inventory)] == ["KIT-XII", "GOWN"]


async def test_a_shortage_ends_when_more_is_bought(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await refused(inventory, "o-1")
    await inventory.buy("more", 1)
    await refused(inventory, "o-2")
    await inventory.change_quantity("more", 2)
    await refused(inventory, "o-3")

    assert [told.body["order"] for told in await shortage_events(inventory)] == ["o-1", "o-2", "o-3"]


async def test_a_shortage_does_not_end_because_pieces_come_back_or_a_ship_comes_in(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.order("o-0", 3)
    await refused(inventory, "o-1")
    await inventory.deallocate_line("o-0")
    await inventory.change_arrival("shelf", None, a_request())
    await inventory.change_quantity("shelf", 2)
    await refused(inventory, "o-2")

    assert len(await shortage_events(inventory)) == 1


async def test_a_reduced_batch_begins_a_shortage_if_a_line_is_deallocated_for_good(
    inventory: InventoryHarness,
) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2)
    await inventory.order("o-2", 2)
    await inventory.change_quantity("shelf", 2)
    [told] = await shortage_events(inventory)

    assert (told.body["order"], told.body["available"], told.body["waiting"]) == ("o-2", 0, 1)


async def test_a_batch_that_became_smaller_begins_no_shortage_where_there_are_others(
    inventory: InventoryHarness,
) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2)
    await inventory.buy("more", 5)
    await inventory.change_quantity("shelf", 0)

    assert await shortage_events(inventory) == []
