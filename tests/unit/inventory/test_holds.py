"""A hold expires, and its pieces return to stock."""

from datetime import timedelta

import pytest

from core.inventory.errors import HoldInThePast
from core.inventory.order_line import LineState
from tests.examples import NOON
from tests.unit.inventory.harness import InventoryHarness, taken

HOUR = timedelta(hours=1)
EXPIRED, ALLOCATED, WAITING = LineState.EXPIRED, LineState.ALLOCATED, LineState.WAITING


async def test_a_hold_that_is_over_returns_its_pieces_to_stock(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    await inventory.order("o-2", 2)
    inventory.clock.pass_by(HOUR)
    await inventory.announced_since()

    assert await inventory.expire_holds() == {"expired": 1, "served": 0}
    line = await inventory.line("o-1")
    assert (line.state, line.parts, line.hold_until) == (EXPIRED, (), None)
    assert (await inventory.line("o-2")).state is ALLOCATED
    assert await inventory.left("shelf") == 3
    assert [told.body["reason"] for told in await inventory.announced_since()] == ["expired"]


async def test_a_hold_lasts_until_its_moment(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    inventory.clock.pass_by(HOUR - timedelta(microseconds=1))

    assert await inventory.expire_holds() == {"expired": 0, "served": 0}


async def test_units_of_an_expired_hold_serve_backorders(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 2)
    await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    await inventory.order("o-2", 2, wait=True)
    inventory.clock.pass_by(HOUR)

    assert await inventory.expire_holds() == {"expired": 1, "served": 1}
    assert taken(await inventory.line("o-2")) == {"shelf": 2}


async def test_a_backorder_expires_with_its_hold(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 2, wait=True, hold_until=NOON + HOUR)
    inventory.clock.pass_by(HOUR)

    assert await inventory.expire_holds() == {"expired": 1, "served": 0}
    assert ((await inventory.sku()).waiting, (await inventory.line("o-1")).state) == (0, EXPIRED)


async def test_a_hold_moves_by_asking_again(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    first = await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    await inventory.announced_since()
    moved = await inventory.order("o-1", 2, hold_until=NOON + 3 * HOUR)
    assert (moved.parts, moved.hold_until) == (first.parts, NOON + 3 * HOUR)
    assert await inventory.kinds() == ["HoldMoved"]

    inventory.clock.pass_by(2 * HOUR)
    assert (await inventory.expire_holds())["expired"] == 0


async def test_a_hold_asked_for_again_without_an_end_keeps_its_end(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    await inventory.announced_since()
    again = await inventory.order("o-1", 2)
    assert (again.hold_until, await inventory.announced_since()) == (NOON + HOUR, [])

    inventory.clock.pass_by(HOUR)
    assert (await inventory.expire_holds())["expired"] == 1


async def test_renewing_the_hold_of_a_backorder_announces_no_shortage(inventory: InventoryHarness) -> None:
    await inventory.order("o-1", 5, wait=True)
    await inventory.buy("shelf", 2)
    await inventory.announced_since()
    await inventory.order("o-1", 5, hold_until=NOON + HOUR)

    assert await inventory.kinds() == ["HoldMoved"]


@pytest.mark.parametrize("known", [False, True])
async def test_a_hold_does_not_end_before_it_begins(inventory: InventoryHarness, *, known: bool) -> None:
    await inventory.buy("shelf", 5)
    if known:
        await inventory.order("o-1", 2)
    await inventory.announced_since()
    with pytest.raises(HoldInThePast) as refusal:
        await inventory.order("o-1", 2, hold_until=NOON)

    assert refusal.value.at == "$.hold_until"
    assert await inventory.announced_since() == []


async def test_what_was_shipped_is_not_held_any_more(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 2, hold_until=NOON + HOUR)
    await inventory.ship("o-1")
    inventory.clock.pass_by(HOUR)

    assert (await inventory.expire_holds())["expired"] == 0
    assert (await inventory.order("o-1", 2, hold_until=NOON + 9 * HOUR)).hold_until is None


async def test_a_line_that_lost_its_pieces_is_held_no_longer_than_it_was(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 5, hold_until=NOON + HOUR)
    await inventory.change_quantity("shelf", 1)
    assert (await inventory.line("o-1")).hold_until == NOON + HOUR
    inventory.clock.pass_by(HOUR)

    assert (await inventory.expire_holds())["expired"] == 1


async def test_a_line_that_expired_may_be_asked_for_again(inventory: InventoryHarness) -> None:
    await inventory.buy("shelf", 5)
    await inventory.order("o-1", 5, hold_until=NOON + HOUR)
    inventory.clock.pass_by(HOUR)
    await inventory.expire_holds()

    assert (await inventory.order("o-1", 3, hold_until=NOON + 2 * HOUR)).state is ALLOCATED
