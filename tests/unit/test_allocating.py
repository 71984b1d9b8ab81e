"""Requests that share a transaction, and what becomes of them when it fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.inventory.allocate_lines import Allocation
from core.inventory.order_line import AllocationRequest, AllocationWish, OrderLine
from core.shared.errors import CoreError, GaveWay, InUse, Unavailable
from core.shared.requests import Request
from entrypoints.http.allocating import Together
from tests.examples import NOON


def asked(order: str) -> AllocationRequest:
    return AllocationRequest(AllocationWish(order=order, sku="KIT", quantity=1), Request(arrived=NOON))


class Stores:
    """Stores that fail when more than `most` ask together."""

    def __init__(self, failure: CoreError, most: int) -> None:
        self.failure, self.most, self.tried = failure, most, list[int]()

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation]:
        self.tried.append(len(requests))
        if len(requests) > self.most:
            raise self.failure
        return [Allocation(OrderLine.asked(each.wish, 1, NOON), new=True) for each in requests]


async def outcomes(stores: Any, number: int) -> list[Any]:
    allocate = Together(stores)
    return await asyncio.gather(*(allocate(asked(f"o{n}")) for n in range(number)), return_exceptions=True)


@pytest.mark.parametrize("most", [1, 4])
async def test_those_who_gave_way_together_are_served_in_smaller_company(most: int) -> None:
    told = await outcomes(Stores(GaveWay("to others"), most), 16)

    assert [each.line.order for each in told] == [f"o{n}" for n in range(16)]


async def test_when_the_stores_are_away_nobody_is_tried_again() -> None:
    stores = Stores(Unavailable("away"), 0)
    told = await outcomes(stores, 16)

    assert {type(each) for each in told} == {Unavailable}
    assert len(stores.tried) == 1


class Held:
    """Stores of which somebody holds one sku."""

    def __init__(self, sku: str) -> None:
        self.sku, self.tried = sku, list[set[str]]()

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation]:
        self.tried.append({each.wish.sku for each in requests})
        if self.sku in self.tried[-1]:
            raise InUse("somebody else holds it")
        return [Allocation(OrderLine.asked(each.wish, 1, NOON), new=True) for each in requests]


async def test_who_wants_a_sku_that_is_held_asks_in_nobodys_company_until_it_is_free() -> None:
    stores: Any = Held("HOT")
    allocate = Together(stores)

    async def ask(*skus: str) -> list[bool]:
        wishes = [AllocationWish(order=f"o{n}", sku=sku, quantity=1) for n, sku in enumerate(skus)]
        asked = [allocate(AllocationRequest(wish, Request(arrived=NOON))) for wish in wishes]
        return [isinstance(each, Allocation) for each in await asyncio.gather(*asked, return_exceptions=True)]

    assert await ask("HOT", "COLD", "HOT") == [False, True, False]
    before = len(stores.tried)
    assert await ask("COLD", "HOT", "COLD") == [True, False, True]
    assert {"HOT", "COLD"} not in stores.tried[before:]

    stores.sku = ""
    assert await ask("HOT") == [True]
    assert await ask("HOT", "COLD") == [True, True]
    assert stores.tried[-1] == {"HOT", "COLD"}
