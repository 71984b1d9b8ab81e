"""A batch is created before its arrival, and its arrival changes."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.inventory.create_batch import Purchase
from core.inventory.errors import ArrivalInThePast, BatchAlreadyCreated, UnknownBatch
from tests.unit.inventory.harness import TODAY, InventoryHarness, a_request, taken

SOON, LATER = TODAY + timedelta(days=3), TODAY + timedelta(days=30)
MIDNIGHT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
"""The moment at which the 21st begins in Kolkata."""


async def test_a_new_batch_is_told_as_it_is(inventory: InventoryHarness) -> None:
    change = await inventory.buy("ship", 7, SOON)
    [told] = await inventory.announced_since()

    assert (change.batch.reference, change.batch.sku, change.batch.purchased, change.batch.available) == (
        "ship",
        "KIT-XII",
        7,
        7,
    )
    assert (told.type, told.version, told.body["batch"]["eta"]) == ("BatchCreated", 1, "2026-11-23")


@pytest.mark.parametrize("sku", ["KIT-XII", "GOWN"])
async def test_a_reference_is_of_one_batch(inventory: InventoryHarness, sku: str) -> None:
    await inventory.buy("shelf", 5)
    await inventory.buy("rail", 5, sku="GOWN")
    await inventory.announced_since()
    with pytest.raises(BatchAlreadyCreated) as refusal:
        await inventory.buy("shelf", 6, sku=sku)

    assert (str(refusal.value), refusal.value.facts) == (
        "there is a batch shelf, of KIT-XII",
        {"sku": "KIT-XII"},
    )
    assert await inventory.announced_since() == []
    assert await inventory.left("shelf") == 5


@pytest.mark.parametrize(
    ("arrived", "eta", "over"),
    [
        (MIDNIGHT - timedelta(microseconds=1), date(2026, 11, 20), False),
        (MIDNIGHT, date(2026, 11, 20), True),
        (MIDNIGHT, date(2026, 11, 21), False),
    ],
)
async def test_an_eta_in_the_past_of_the_inventory_time_zone_is_refused(
    inventory: InventoryHarness, arrived: datetime, eta: date, *, over: bool
) -> None:
    inventory.clock.moment = MIDNIGHT + timedelta(days=40)
    await inventory.buy("other", 5)
    acts = [
        inventory.create_batch(Purchase(reference="ship", sku="GOWN", quantity=5, eta=eta), a_request(arrived)),
        inventory.change_arrival("other", eta, a_request(arrived)),
    ]
    for act in acts:
        if over:
            with pytest.raises(ArrivalInThePast) as refusal:
                await act
            assert (refusal.value.at, str(refusal.value)[:25]) == ("$.eta", "2026-11-20 is in the past")
        else:
            await act


async def test_a_batch_that_arrives_earlier_is_preferred_from_then_on(inventory: InventoryHarness) -> None:
    await inventory.buy("first", 5, SOON)
    await inventory.buy("second", 5, LATER)
    await inventory.announced_since()
    change = await inventory.change_arrival("second", None, a_request())
    [told] = await inventory.announced_since()

    assert change.batch.eta is None
    assert (told.type, told.body["before"], told.body["batch"]["eta"]) == ("ArrivalChanged", "2026-12-20", None)
    assert taken(await inventory.order("o-1")) == {"second": 1}


async def test_a_line_keeps_pieces_that_arrive_later_and_what_it_was_told(inventory: InventoryHarness) -> None:
    await inventory.buy("ship", 5, SOON)
    line = await inventory.order("o-1")
    await inventory.change_arrival("ship", LATER, a_request())

    assert await inventory.line("o-1") == line
    assert line.parts[0].eta == SOON


async def test_the_same_day_again_changes_nothing(inventory: InventoryHarness) -> None:
    await inventory.buy("ship", 5, SOON)
    await inventory.announced_since()
    await inventory.change_arrival("ship", SOON, a_request())

    assert await inventory.announced_since() == []


async def test_a_batch_that_is_not_there_does_not_arrive(inventory: InventoryHarness) -> None:
    with pytest.raises(UnknownBatch):
        await inventory.change_arrival("ship", SOON, a_request())
