"""Goods are announced before they arrive, and arrive on other days than announced."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.inventory.create_batch import Purchase
from core.inventory.errors import ArrivalInThePast, BatchAlreadyCreated, UnknownBatch
from tests.unit.inventory.harness import TODAY, Stores, a_request, taken

SOON, LATER = TODAY + timedelta(days=3), TODAY + timedelta(days=30)
MIDNIGHT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
"""In Kolkata: the 21st begins."""


async def test_a_new_batch_is_told_as_it_is(stores: Stores) -> None:
    change = await stores.buy("ship", 7, SOON)
    [told] = await stores.announced_since()

    assert (change.batch.reference, change.batch.sku, change.batch.purchased, change.batch.available) == (
        "ship",
        "KIT-XII",
        7,
        7,
    )
    assert (told.type, told.version, told.body["batch"]["eta"]) == ("BatchCreated", 1, "2026-11-23")


@pytest.mark.parametrize("sku", ["KIT-XII", "GOWN"])
async def test_a_reference_is_of_one_batch(stores: Stores, sku: str) -> None:
    await stores.buy("shelf", 5)
    await stores.buy("rail", 5, sku="GOWN")
    await stores.announced_since()
    with pytest.raises(BatchAlreadyCreated) as refusal:
        await stores.buy("shelf", 6, sku=sku)

    assert (str(refusal.value), refusal.value.facts) == (
        "there is a batch shelf, of KIT-XII",
        {"sku": "KIT-XII"},
    )
    assert await stores.announced_since() == []
    assert await stores.left("shelf") == 5


@pytest.mark.parametrize(
    ("arrived", "eta", "over"),
    [
        (MIDNIGHT - timedelta(microseconds=1), date(2026, 11, 20), False),
        (MIDNIGHT, date(2026, 11, 20), True),
        (MIDNIGHT, date(2026, 11, 21), False),
    ],
)
async def test_an_eta_in_the_past_of_the_inventory_time_zone_is_refused(
    stores: Stores, arrived: datetime, eta: date, *, over: bool
) -> None:
    stores.clock.moment = MIDNIGHT + timedelta(days=40)
    await stores.buy("other", 5)
    acts = [
        stores.create_batch(Purchase(reference="ship", sku="GOWN", quantity=5, eta=eta), a_request(arrived)),
        stores.change_arrival("other", eta, a_request(arrived)),
    ]
    for act in acts:
        if over:
            with pytest.raises(ArrivalInThePast) as refusal:
                await act
            assert (refusal.value.at, str(refusal.value)[:18]) == ("$.eta", "2026-11-20 is over")
        else:
            await act


async def test_a_batch_that_arrives_earlier_is_preferred_from_then_on(stores: Stores) -> None:
    await stores.buy("first", 5, SOON)
    await stores.buy("second", 5, LATER)
    await stores.announced_since()
    change = await stores.change_arrival("second", None, a_request())
    [told] = await stores.announced_since()

    assert change.batch.eta is None
    assert (told.type, told.body["before"], told.body["batch"]["eta"]) == ("ArrivalChanged", "2026-12-20", None)
    assert taken(await stores.order("o-1")) == {"second": 1}


async def test_a_line_keeps_pieces_that_arrive_later_and_what_it_was_told(stores: Stores) -> None:
    await stores.buy("ship", 5, SOON)
    line = await stores.order("o-1")
    await stores.change_arrival("ship", LATER, a_request())

    assert await stores.line("o-1") == line
    assert line.parts[0].eta == SOON


async def test_the_same_day_again_changes_nothing(stores: Stores) -> None:
    await stores.buy("ship", 5, SOON)
    await stores.announced_since()
    await stores.change_arrival("ship", SOON, a_request())

    assert await stores.announced_since() == []


async def test_a_batch_that_is_not_there_does_not_arrive(stores: Stores) -> None:
    with pytest.raises(UnknownBatch):
        await stores.change_arrival("ship", SOON, a_request())
