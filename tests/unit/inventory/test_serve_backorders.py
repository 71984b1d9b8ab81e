"""More backorders than one transaction serves are all served, and no new line overtakes them."""

from datetime import timedelta

import pytest

from core.inventory import backorders, expire_holds
from core.inventory.errors import OutOfStock
from core.inventory.order_line import AllocationDemand, LineState
from tests.unit.inventory.harness import KIT, InventoryHarness

LONG, HOUR = 25, timedelta(hours=1)


@pytest.fixture(autouse=True)
def small_page_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use small limits, so that a few backorders exceed them."""
    monkeypatch.setattr(backorders, "BACKORDERS_PER_PAGE", 2)
    monkeypatch.setattr(backorders, "MAX_LINES_SERVED_PER_TRANSACTION", 6)


@pytest.fixture
async def crowded(inventory: InventoryHarness) -> InventoryHarness:
    await inventory.ask(*(demand(number) for number in range(LONG)))
    await inventory.announced_since()
    return inventory


def demand(number: int, quantity: int = 1) -> AllocationDemand:
    return AllocationDemand(order=f"o-{number}", sku=KIT, quantity=quantity, wait=True)


async def still_waiting(inventory: InventoryHarness) -> list[int]:
    lines = [(number, await inventory.line(f"o-{number}")) for number in range(LONG)]
    return [number for number, line in lines if line.state is LineState.WAITING]


async def test_a_purchase_serves_the_oldest_backorders_and_serve_backorders_the_rest(crowded: InventoryHarness) -> None:
    assert (await crowded.buy("shelf", LONG - 1)).served == 6
    assert await still_waiting(crowded) == list(range(6, LONG))

    assert await crowded.serve_backorders() == {"served": LONG - 1 - 6}
    assert await still_waiting(crowded) == [LONG - 1]
    allocated = [told.body["line"]["order"] for told in await crowded.announced_since() if told.type == "Allocated"]
    assert allocated == [f"o-{number}" for number in range(LONG - 1)]
    assert not (await crowded.sku()).unserved


async def test_a_new_line_does_not_overtake_unserved_backorders(crowded: InventoryHarness) -> None:
    await crowded.buy("shelf", LONG)
    with pytest.raises(OutOfStock, match="what is left is for the 13 lines that wait"):
        await crowded.order("new")

    assert (await crowded.order("polite", wait=True)).state is LineState.WAITING
    await crowded.serve_backorders()
    assert await still_waiting(crowded) == []
    assert (await crowded.line("polite")).state is LineState.WAITING


async def test_an_allocation_first_serves_one_page_of_backorders(crowded: InventoryHarness) -> None:
    await crowded.buy("shelf", LONG + 1)
    for _ in range(3):
        with pytest.raises(OutOfStock):
            await crowded.order("new")

    assert (await crowded.order("new")).state is LineState.ALLOCATED
    assert await still_waiting(crowded) == []


async def test_more_deallocated_lines_than_one_page_are_reallocated_at_once(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", LONG)
    await inventory.ask(*(demand(number) for number in range(LONG)))
    await inventory.buy("other", LONG)
    change = await inventory.change_quantity("shelf", 0)
    assert (change.gave_up, change.served) == (LONG, LONG)
    assert await still_waiting(inventory) == []
    assert await inventory.left("other") == 0


async def test_backorders_too_large_to_serve_are_skipped_on_every_page(inventory: InventoryHarness) -> None:
    await inventory.ask(*(demand(number, 1 + number % 2 * LONG) for number in range(LONG)))
    await inventory.buy("shelf", LONG)
    await inventory.serve_backorders()

    assert await still_waiting(inventory) == list(range(1, LONG, 2))


async def test_more_expired_holds_than_one_batch_are_all_expired(
    crowded: InventoryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_holds, "MAX_HOLDS_PER_QUERY", 4)
    for number in range(LONG):
        await crowded.order(f"o-{number}", hold_until=crowded.clock.now() + HOUR)
    crowded.clock.pass_by(HOUR)

    assert (await crowded.expire_holds())["expired"] == LONG
    assert (await crowded.sku()).waiting == 0
