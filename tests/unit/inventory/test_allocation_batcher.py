"""Requests that share a transaction, and their results when it fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.inventory.allocate_lines import Allocation
from core.inventory.allocation_batcher import AllocationBatcher
from core.inventory.order_line import AllocationDemand, AllocationRequest, OrderLine
from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from core.kernel.errors import CoreError, GaveWay, InUse, Unavailable
from core.kernel.idempotency import RequestContext
from tests.examples import NOON
from tests.unit.inventory.harness import InventoryHarness


def asked(order: str) -> AllocationRequest:
    return AllocationRequest(AllocationDemand(order=order, sku="KIT", quantity=1), RequestContext(arrived=NOON))


class FailingAllocateLines:
    """A stub that fails when more than `most` requests share a transaction."""

    def __init__(self, failure: CoreError, most: int) -> None:
        self.failure, self.most, self.tried = failure, most, list[int]()

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation]:
        self.tried.append(len(requests))
        if len(requests) > self.most:
            raise self.failure
        return [Allocation(OrderLine.from_demand(each.demand, 1, NOON), new=True) for each in requests]


async def outcomes(allocate_lines: Any, number: int) -> list[Any]:
    allocate = AllocationBatcher(allocate_lines).allocate
    return await asyncio.gather(*(allocate(asked(f"o{n}")) for n in range(number)), return_exceptions=True)


@pytest.mark.parametrize("most", [1, 4])
async def test_an_allocation_batch_that_deadlocked_is_retried_in_smaller_batches(most: int) -> None:
    told = await outcomes(FailingAllocateLines(GaveWay("to others"), most), 16)

    assert [each.line.order for each in told] == [f"o{n}" for n in range(16)]


async def test_an_inventory_outage_is_not_retried() -> None:
    allocate_lines = FailingAllocateLines(Unavailable("away"), 0)
    told = await outcomes(allocate_lines, 16)

    assert {type(each) for each in told} == {Unavailable}
    assert len(allocate_lines.tried) == 1


class LockedSku:
    """A stub in which another transaction has locked one sku."""

    def __init__(self, sku: str) -> None:
        self.sku, self.tried = sku, list[set[str]]()

    async def __call__(self, requests: Sequence[AllocationRequest]) -> Sequence[Allocation]:
        self.tried.append({each.demand.sku for each in requests})
        if self.sku in self.tried[-1]:
            raise InUse("another transaction has locked it")
        return [Allocation(OrderLine.from_demand(each.demand, 1, NOON), new=True) for each in requests]


async def test_an_allocation_of_a_locked_sku_runs_alone_until_the_lock_is_released() -> None:
    allocate_lines: Any = LockedSku("HOT")
    allocate = AllocationBatcher(allocate_lines).allocate

    async def ask(*skus: str) -> list[bool]:
        demands = [AllocationDemand(order=f"o{n}", sku=sku, quantity=1) for n, sku in enumerate(skus)]
        asked = [allocate(AllocationRequest(demand, RequestContext(arrived=NOON))) for demand in demands]
        return [isinstance(each, Allocation) for each in await asyncio.gather(*asked, return_exceptions=True)]

    assert await ask("HOT", "COLD", "HOT") == [False, True, False]
    before = len(allocate_lines.tried)
    assert await ask("COLD", "HOT", "COLD") == [True, False, True]
    assert {"HOT", "COLD"} not in allocate_lines.tried[before:]

    allocate_lines.sku = ""
    assert await ask("HOT") == [True]
    assert await ask("HOT", "COLD") == [True, True]
    assert allocate_lines.tried[-1] == {"HOT", "COLD"}


async def test_each_line_of_an_allocation_batch_is_permitted_to_its_own_principal(inventory: InventoryHarness) -> None:
    await inventory.buy("b1", sku="KIT")
    allocate = AllocationBatcher(inventory.allocate).allocate
    clerk = Principal(subject="clerk", permissions=frozenset({Permission.STOCK_WRITE}))
    auditor = Principal(subject="auditor", permissions=frozenset({Permission.STOCK_READ}))

    async def allocated_by(principal: Principal, order: str) -> object:
        with acting_as(principal):
            return await allocate(asked(order))

    told = await asyncio.gather(
        allocated_by(clerk, "o1"), allocated_by(auditor, "o2"), allocated_by(clerk, "o3"), return_exceptions=True
    )

    assert [type(each) for each in told] == [Allocation, NotPermitted, Allocation]
