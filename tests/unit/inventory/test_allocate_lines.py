"""A line is allocated once, however often it is requested."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from core.inventory.allocate_lines import Allocation
from core.inventory.errors import HoldInThePast, LineAlreadyAllocated, OutOfStock, UnknownSku
from core.inventory.order_line import AllocationDemand, AllocationRequest, LineState
from core.kernel.idempotency import RequestRepeated
from tests.examples import NOON
from tests.unit.inventory.harness import KIT, InventoryHarness, a_request, taken


def a_line_request(order: str, quantity: int = 1, sku: str = KIT, **more: object) -> AllocationDemand:
    return AllocationDemand(order=order, sku=sku, quantity=quantity, **more)  # type: ignore[arg-type]


async def test_what_is_returned_is_what_is_stored_and_announced(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    await inventory.announced_since()
    line = await inventory.order("o-1", 4)
    [told] = await inventory.announced_since()

    assert line == await inventory.line("o-1")
    assert (told.type, told.version, line.version) == ("Allocated", 2, 2)
    assert told.body["line"] == msgspec.json.decode(msgspec.json.encode(line))
    assert [(batch["reference"], batch["purchased"], batch["allocated"]) for batch in told.body["batches"]] == [
        ("shelf", 10, 4)
    ]


async def test_the_same_line_again_has_the_same_batch_and_nothing_is_announced(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    first = await inventory.order("o-1", 4)
    await inventory.buy("nearer", 5)
    await inventory.announced_since()
    [again] = await inventory.ask(a_line_request("o-1", 4))

    assert again == Allocation(first, new=False)
    assert await inventory.announced_since() == []
    assert await inventory.left("shelf") == 6


async def test_the_same_line_twice_at_the_same_moment_is_one_line(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    first, second = await inventory.ask(a_line_request("o-1", 4), a_line_request("o-1", 4))

    assert isinstance(first, Allocation)
    assert isinstance(second, Allocation)
    assert (first.new, second.new, first.line) == (True, False, second.line)
    assert await inventory.left("shelf") == 6


async def test_the_same_line_again_is_no_matter_of_stock(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 4)
    first = await inventory.order("o-1", 4)

    assert await inventory.order("o-1", 4) == first


async def test_another_quantity_is_a_conflict_that_names_the_first(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    await inventory.order("o-1", 4)
    await inventory.announced_since()
    with pytest.raises(LineAlreadyAllocated) as refusal:
        await inventory.order("o-1", 5)

    assert str(refusal.value) == "order o-1 has a line of 4 KIT-XII (allocated), not 5"
    assert refusal.value.facts == {"quantity": "4", "state": "allocated", "batch": "shelf"}
    assert await inventory.announced_since() == []


async def test_another_quantity_than_that_of_a_line_that_waits_is_a_conflict_too(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 4, wait=True)
    with pytest.raises(LineAlreadyAllocated) as refusal:
        await inventory.order("o-1", 5, wait=True)

    assert refusal.value.facts == {"quantity": "4", "state": "waiting"}


async def test_another_sku_of_the_same_order_is_another_line(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    await inventory.buy("rail", sku="GOWN")
    await inventory.order("o-1", 4)
    await inventory.order("o-1", 5, sku="GOWN")

    assert {sku: line.quantity for sku, line in (await inventory.lines("o-1")).items()} == {KIT: 4, "GOWN": 5}


async def test_after_it_was_deallocated_a_line_may_be_asked_for_again(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    first = await inventory.order("o-1", 4)
    await inventory.deallocate_line("o-1")
    second = await inventory.order("o-1", 6)

    assert (second.state, taken(second)) == (LineState.ALLOCATED, {"shelf": 6})
    assert second.place > first.place
    assert await inventory.left("shelf") == 4


async def test_a_line_asked_for_once_stays_as_it_was_whatever_became_of_it(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    await inventory.order("o-1", 4, once=True)
    gone = await inventory.deallocate_line("o-1")
    await inventory.announced_since()

    assert await inventory.order("o-1", 4, once=True) == gone
    assert (await inventory.order("o-1", 5, once=True)).state is LineState.DEALLOCATED
    assert await inventory.announced_since() == []


async def test_each_line_of_a_batched_allocation_has_its_own_result(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    late = a_line_request("o-4", hold_until=NOON)
    outcomes = await inventory.ask(
        a_line_request("o-1", 4),
        a_line_request("o-2", 4),
        a_line_request("o-3", 1),
        late,
        a_line_request("o-5", sku="NONE"),
    )

    assert [type(each) for each in outcomes] == [Allocation, OutOfStock, Allocation, HoldInThePast, UnknownSku]
    assert await inventory.left("shelf") == 0


async def test_a_sku_that_was_never_purchased_is_unknown(inventory: InventoryHarness) -> None:
    with pytest.raises(UnknownSku) as refusal:
        await inventory.order("o-1")

    assert (str(refusal.value), refusal.value.at) == ("there is no sku KIT-XII: no batch of it was created", "$.sku")
    assert await inventory.announced_since() == []


async def test_a_refused_backorder_creates_no_sku(inventory: InventoryHarness) -> None:
    with pytest.raises(HoldInThePast):
        await inventory.order("o-1", wait=True, hold_until=NOON)
    with pytest.raises(UnknownSku):
        await inventory.order("o-2")


async def test_of_two_that_come_together_the_first_does_not_know_the_sku_that_the_second_opens(
    inventory: InventoryHarness,
) -> None:
    outcomes = await inventory.ask(a_line_request("o-1"), a_line_request("o-2", wait=True), a_line_request("o-3"))

    assert [type(each) for each in outcomes] == [UnknownSku, Allocation, OutOfStock]


async def test_a_request_that_took_effect_takes_none_again(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    keyed = replace(a_request(), scope="POST /v1/allocations", key="k", fingerprint=b"f" * 32)
    await inventory.allocate([AllocationRequest(a_line_request("o-1", 4), keyed)])
    with pytest.raises(RequestRepeated):
        await inventory.allocate([AllocationRequest(a_line_request("o-2", 4), keyed)])

    assert await inventory.left("shelf") == 6


async def test_a_line_knows_when_it_was_asked_for(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf")
    inventory.clock.pass_by(timedelta(hours=1))

    assert (await inventory.order("o-1")).asked_at == NOON + timedelta(hours=1)
