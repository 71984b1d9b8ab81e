"""A queue that is too long for one transaction is served to its end all the same, and nobody slips in."""

from datetime import timedelta

import pytest

from core.inventory import queue, tend_stores
from core.inventory.errors import OutOfStock
from core.inventory.order_line import AllocationWish, LineState
from tests.unit.inventory.stores import KIT, Stores

LONG, HOUR = 25, timedelta(hours=1)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at so few at once that a long queue need not be long."""
    monkeypatch.setattr(queue, "PAGE", 2)
    monkeypatch.setattr(queue, "MOST", 6)


@pytest.fixture
async def crowded(stores: Stores) -> Stores:
    await stores.ask(*(wish(number) for number in range(LONG)))
    await stores.news()
    return stores


def wish(number: int, quantity: int = 1) -> AllocationWish:
    return AllocationWish(order=f"o-{number}", sku=KIT, quantity=quantity, wait=True)


async def still_waiting(stores: Stores) -> list[int]:
    lines = [(number, await stores.line(f"o-{number}")) for number in range(LONG)]
    return [number for number, line in lines if line.state is LineState.WAITING]


async def test_a_purchase_serves_the_oldest_and_tending_the_rest(crowded: Stores) -> None:
    assert (await crowded.buy("shelf", LONG - 1)).served == 6
    assert await still_waiting(crowded) == list(range(6, LONG))

    assert await crowded.tend() == {"expired": 0, "served": LONG - 1 - 6}
    assert await still_waiting(crowded) == [LONG - 1]
    allocated = [told.body["line"]["order"] for told in await crowded.news() if told.type == "Allocated"]
    assert allocated == [f"o-{number}" for number in range(LONG - 1)]
    assert not (await crowded.sku()).unserved


async def test_nobody_new_comes_before_those_who_have_not_been_looked_at(crowded: Stores) -> None:
    await crowded.buy("shelf", LONG)
    with pytest.raises(OutOfStock, match="what is left is for the 13 lines that wait"):
        await crowded.order("new")

    assert (await crowded.order("polite", wait=True)).state is LineState.WAITING
    await crowded.tend()
    assert await still_waiting(crowded) == []
    assert (await crowded.line("polite")).state is LineState.WAITING


async def test_whoever_asks_serves_a_part_of_the_queue_first(crowded: Stores) -> None:
    await crowded.buy("shelf", LONG + 1)
    for _ in range(3):
        with pytest.raises(OutOfStock):
            await crowded.order("new")

    assert (await crowded.order("new")).state is LineState.ALLOCATED
    assert await still_waiting(crowded) == []


async def test_more_that_lose_their_pieces_than_are_looked_at_get_others_at_once(stores: Stores) -> None:
    await stores.buy("shelf", LONG)
    await stores.ask(*(wish(number) for number in range(LONG)))
    await stores.buy("other", LONG)
    change = await stores.change_quantity("shelf", 0)
    assert (change.gave_up, change.served) == (LONG, LONG)
    assert await still_waiting(stores) == []
    assert await stores.left("other") == 0


async def test_those_who_need_too_much_are_passed_over_on_every_page(stores: Stores) -> None:
    await stores.ask(*(wish(number, 1 + number % 2 * LONG) for number in range(LONG)))
    await stores.buy("shelf", LONG)
    await stores.tend()

    assert await still_waiting(stores) == list(range(1, LONG, 2))


async def test_more_holds_than_are_ended_at_once_are_all_ended(
    crowded: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tend_stores, "AT_ONCE", 4)
    for number in range(LONG):
        await crowded.order(f"o-{number}", hold_until=crowded.clock.now() + HOUR)
    crowded.clock.pass_by(HOUR)

    assert (await crowded.tend())["expired"] == LONG
    assert (await crowded.sku()).waiting == 0
