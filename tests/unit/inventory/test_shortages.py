"""The person in charge hears of a shortage once."""

import pytest

from core.inventory.errors import OutOfStock
from tests.unit.inventory.harness import Announcement, Stores, a_request


async def refused(stores: Stores, order: str, quantity: int = 5, sku: str = "KIT-XII") -> None:
    with pytest.raises(OutOfStock):
        await stores.order(order, quantity, sku=sku)


async def shortage_events(stores: Stores) -> list[Announcement]:
    return [told for told in await stores.announced_since() if told.type == "OutOfStock"]


async def test_a_shortage_names_order_quantity_and_sku(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await refused(stores, "o-1")
    [told] = await shortage_events(stores)

    assert (told.sku, told.version) == ("KIT-XII", 2)
    assert {name: told.body[name] for name in ("order", "quantity", "available", "waiting")} == {
        "order": "o-1",
        "quantity": 5,
        "available": 3,
        "waiting": 0,
    }


async def test_a_shortage_is_told_once(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await refused(stores, "o-1")
    await refused(stores, "o-2")
    await stores.order("o-3", 5, wait=True)

    assert [told.body["order"] for told in await shortage_events(stores)] == ["o-1"]


async def test_each_sku_has_shortages_of_its_own(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await stores.buy("rail", 3, sku="GOWN")
    await refused(stores, "o-1")
    await refused(stores, "o-1", sku="GOWN")

    assert [told.sku for told in await shortage_events(stores)] == ["KIT-XII", "GOWN"]


async def test_a_shortage_ends_when_more_is_bought(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await refused(stores, "o-1")
    await stores.buy("more", 1)
    await refused(stores, "o-2")
    await stores.change_quantity("more", 2)
    await refused(stores, "o-3")

    assert [told.body["order"] for told in await shortage_events(stores)] == ["o-1", "o-2", "o-3"]


async def test_a_shortage_does_not_end_because_pieces_come_back_or_a_ship_comes_in(stores: Stores) -> None:
    await stores.buy("shelf", 3)
    await stores.order("o-0", 3)
    await refused(stores, "o-1")
    await stores.undo("o-0")
    await stores.change_arrival("shelf", None, a_request())
    await stores.change_quantity("shelf", 2)
    await refused(stores, "o-2")

    assert len(await shortage_events(stores)) == 1


async def test_a_reduced_batch_begins_a_shortage_if_a_line_is_deallocated_for_good(
    stores: Stores,
) -> None:
    await stores.buy("shelf", 5)
    await stores.order("o-1", 2)
    await stores.order("o-2", 2)
    await stores.change_quantity("shelf", 2)
    [told] = await shortage_events(stores)

    assert (told.body["order"], told.body["available"], told.body["waiting"]) == ("o-2", 0, 1)


async def test_a_batch_that_became_smaller_begins_no_shortage_where_there_are_others(stores: Stores) -> None:
    await stores.buy("shelf", 5)
    await stores.order("o-1", 2)
    await stores.buy("more", 5)
    await stores.change_quantity("shelf", 0)

    assert await shortage_events(stores) == []
