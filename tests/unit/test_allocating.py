"""Requests that share a transaction, and what becomes of them when it fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.inventory.allocate_lines import Allocation
from core.inventory.order_line import AllocationRequest, AllocationWish, OrderLine
from core.shared.errors import CoreError, GaveWay, Unavailable
from core.shared.requests import Request
from entrypoints.http.allocating import together
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
    allocate = together(stores)
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
