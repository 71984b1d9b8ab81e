"""The batches that supply a line, and the explanation of the selection."""

from datetime import timedelta

import pytest

from adapters.encoding import message_from_event
from core.inventory.allocate_lines import Allocation
from core.inventory.batch import Batch
from core.inventory.batch_selection import MAX_PARTS_PER_LINE
from core.inventory.errors import OutOfStock
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.inventory.sku import Sku, SkuId
from core.inventory.sku_stock import SkuStock
from tests.examples import NOON, ids
from tests.unit.inventory.harness import KIT, TODAY, InventoryHarness, a_request, taken

SOON, LATER = TODAY + timedelta(days=3), TODAY + timedelta(days=30)


async def test_the_warehouse_comes_before_any_ship(inventory: InventoryHarness) -> None:
    await inventory.buy("ship", eta=TODAY)
    await inventory.buy("shelf")

    assert taken(await inventory.order("o-1", 4)) == {"shelf": 4}


async def test_the_ship_that_arrives_first_comes_before_the_others(inventory: InventoryHarness) -> None:
    await inventory.buy("late", eta=LATER)
    await inventory.buy("soon", eta=SOON)

    assert taken(await inventory.order("o-1", 4)) == {"soon": 4}


async def test_of_two_that_arrive_on_one_day_the_first_announced_is_taken(inventory: InventoryHarness) -> None:
    await inventory.buy("zebra", eta=SOON)
    await inventory.buy("aardvark", eta=SOON)

    assert taken(await inventory.order("o-1")) == {"zebra": 1}


async def test_a_batch_that_has_the_whole_line_comes_before_nearer_ones_that_do_not(
    inventory: InventoryHarness,
) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("soon", 4, SOON)
    await inventory.buy("late", 5, LATER)

    assert taken(await inventory.order("o-1", 5, split=True)) == {"late": 5}


async def test_an_allocation_explains_its_choice_and_the_batches_passed_over(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("other", 1)
    await inventory.buy("soon", 4, SOON)
    await inventory.buy("late", 5, LATER)
    await inventory.order("o-0", 2)
    line = await inventory.order("o-1", 5)

    assert line.why == "arrives on 2026-12-20, the first that has all 5"
    assert [(each.batch, each.why) for each in line.passed_over] == [
        ("shelf", "in the warehouse, but has only 1"),
        ("other", "in the warehouse, but has only 1"),
        ("soon", "arrives on 2026-11-23, but has only 4"),
    ]
    assert line.parts[0].eta == LATER


async def test_an_empty_batch_is_not_passed_over(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 3)
    await inventory.buy("second", 3)
    demands = (AllocationDemand(order=order, sku=KIT, quantity=3) for order in ("o-1", "o-2"))
    _, last = await inventory.ask(*demands)  # in one transaction: a later one does not load the depleted batch

    assert isinstance(last, Allocation)
    assert (taken(last.line), last.line.passed_over) == ({"second": 3}, ())


async def test_at_most_ten_passed_over_batches_are_reported(inventory: InventoryHarness) -> None:
    for number in range(12):
        await inventory.buy(f"small-{number}", 1)
    await inventory.buy("large", 2)

    assert [each.batch for each in (await inventory.order("o-1", 2)).passed_over] == [f"small-{n}" for n in range(10)]


async def test_a_line_is_split_only_on_request(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("soon", 4, SOON)
    with pytest.raises(OutOfStock) as refusal:
        await inventory.order("o-1", 5)

    assert str(refusal.value) == "5 KIT-XII are wanted, and no batch has more than 4 left"
    assert refusal.value.facts == {"available": "4"}
    assert [await inventory.left("shelf"), await inventory.left("soon")] == [3, 4]


async def test_a_line_that_may_be_split_takes_the_nearest_pieces_first(inventory: InventoryHarness) -> None:
    await inventory.buy("late", 4, LATER)
    await inventory.buy("soon", 4, SOON)
    await inventory.buy("shelf", 3)
    line = await inventory.order("o-1", 8, split=True)

    assert taken(line) == {"shelf": 3, "soon": 4, "late": 1}
    assert line.why == "no batch has all 8: split, the earliest first"
    assert await inventory.left("late") == 3


async def test_not_even_a_split_line_gets_more_than_there_is(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 3)
    await inventory.buy("soon", 4, SOON)
    with pytest.raises(OutOfStock, match="7 are left"):
        await inventory.order("o-1", 8, split=True)

    assert [await inventory.left("shelf"), await inventory.left("soon")] == [3, 4]


async def test_batches_of_another_sku_are_not_considered(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 1)
    await inventory.buy("other", 5, sku="GOWN")
    with pytest.raises(OutOfStock):
        await inventory.order("o-1", 2)


@pytest.mark.parametrize(("split", "available"), [(True, "7"), (False, "4")])
async def test_an_out_of_stock_error_reports_the_available_quantity(
    inventory: InventoryHarness, split: bool, available: str
) -> None:
    await inventory.buy("shelf", 4)
    await inventory.buy("soon", 3, SOON)
    with pytest.raises(OutOfStock) as refusal:
        await inventory.order("o-1", 8, split=split)

    assert refusal.value.facts == {"available": available}


def test_the_event_of_a_maximally_split_line_fits_in_a_message() -> None:
    crumbs = {
        f"B-{number:062}": Batch(reference=f"B-{number:062}", purchased=1, number=number) for number in range(5_000)
    }
    sku = Sku(id=SkuId(ids.new()), name="KIT", stock=SkuStock(crumbs))
    demands = [
        AllocationDemand(order="o", sku="KIT", quantity=quantity, split=True)
        for quantity in (MAX_PARTS_PER_LINE + 1, MAX_PARTS_PER_LINE)
    ]
    with pytest.raises(OutOfStock, match=f"{MAX_PARTS_PER_LINE} are left"):
        sku.allocate(AllocationRequest(demands[0], a_request()), NOON)
    line, events = sku.allocate(AllocationRequest(demands[1], a_request()), NOON)

    assert len(line.parts) == MAX_PARTS_PER_LINE
    assert len(message_from_event(events[0], ids.new()).body) < 256 * 1024
