"""The inventory reads only the lines it needs, independent of their number."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, text

from adapters.sql.inventory import tables
from adapters.sql.inventory.rows import allocation_rows, line_row, sku_row
from config.container import Application
from core.inventory.order_line import AllocationPart, LineState, OrderLine
from core.inventory.ports import InventoryWork, LineKey
from core.inventory.sku import Sku, SkuId
from tests.databases import statements
from tests.examples import NOON, ids
from tests.unit.inventory.harness import KIT, InventoryHarness
from tests.units_of_work import any_work

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
LINE_COUNT = 8_000
STATES = [LineState.ALLOCATED, LineState.WAITING, LineState.SHIPPED, LineState.EXPIRED]
FAR = NOON + timedelta(days=365)


@pytest.fixture
async def crowded(stored: Application) -> InventoryHarness:
    """Create a sku with many lines, one quarter in each state, and little stock."""
    inventory = InventoryHarness(
        partial(any_work, stored), stored.inventory.inventory_backlog(), stored.messaging.outbox()
    )
    await inventory.buy("shelf", 5)
    sku, others = await inventory.sku(), [Sku(id=SkuId(ids.new()), name=f"S-{number}") for number in range(500)]
    lines = [line(number) for number in range(1, LINE_COUNT)]
    async with stored.storage.database().autocommit() as connection:
        await connection.execute(insert(tables.skus), list(map(sku_row, others)))
        for some in (lines[begin : begin + 5_000] for begin in range(0, LINE_COUNT, 5_000)):
            await connection.execute(insert(tables.order_lines), [line_row(sku, each) for each in some])
            await connection.execute(insert(tables.allocations), list(parts(sku, some)))
        await connection.execute(text("ANALYZE TABLE skus, batches, order_lines, allocations"))
    return inventory


def line(number: int) -> OrderLine:
    state = STATES[number % 4]
    has = state in (LineState.ALLOCATED, LineState.SHIPPED)
    return OrderLine(
        order=f"o-{number}",
        sku=KIT,
        quantity=1 if number == LINE_COUNT - 3 else 6,
        split=number % 3 == 0,
        priority=number % 10,
        place=number,
        state=state,
        hold_until=FAR + timedelta(seconds=number) if has else None,
        asked_at=NOON,
        parts=(AllocationPart(batch="shelf", quantity=6, eta=None),) if has else (),
        version=number,
    )


def parts(sku: Sku, lines: list[OrderLine]) -> Iterator[dict[str, Any]]:
    for each in lines:
        yield from allocation_rows(sku, each)


async def test_nothing_is_read_as_a_whole_or_sorted(stored: Application, crowded: InventoryHarness) -> None:
    inventory_backlog, found = stored.inventory.inventory_backlog(), dict[str, int]()

    async def look(read: Callable[[InventoryWork], Awaitable[Any]]) -> int:
        async with crowded.new_work() as work:
            return len(await read(work))

    async def fetch(work: InventoryWork) -> dict[str, OrderLine]:
        held = await work.skus.lock([KIT, "S-1"])
        await work.order_lines.load(held.values(), [LineKey(KIT, f"o-{7 * number}") for number in range(1, 257)])
        return held[KIT].lines

    async def waiting(work: InventoryWork) -> Any:
        return await work.order_lines.backorders((await work.skus.lock([KIT]))[KIT], 10, 500)

    async def whole(work: InventoryWork) -> Any:
        sku = await work.skus.lock_batch("shelf")
        return sku.stock.batches if sku else ()

    asked = statements(stored)
    found["fetch"] = await look(fetch)
    found["waiting"] = await look(waiting)
    found["whole"] = await look(whole)
    found["latest"] = await look(lambda work: work.order_lines.latest_allocated_from("shelf", 100))
    found["order"] = await look(lambda work: work.order_lines.of_order("o-1"))
    found["expired"] = len(await inventory_backlog.expired_holds(FAR + timedelta(seconds=400), 100))
    found["unserved"] = len(await inventory_backlog.unserved_skus(100))
    assert found == {"fetch": 256, "waiting": 1, "whole": 1, "latest": 100, "order": 1, "expired": 100, "unserved": 0}

    async with stored.storage.database().reading() as connection:
        for each in list[Any](asked):
            plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {each.statement}", each.parameters[0])
            for step in plan.mappings():
                assert step["type"] not in ("ALL", "index"), each.statement
                assert "filesort" not in (step["Extra"] or ""), each.statement


async def test_backorders_too_large_to_serve_are_skipped_in_the_index(
    stored: Application, crowded: InventoryHarness
) -> None:
    async with crowded.new_work() as work:
        sku = (await work.skus.lock([KIT]))[KIT]
        sku.stock.batches["shelf"] = replace(sku.stock.batches["shelf"], purchased=0)
        asked = statements(stored)
        assert await work.order_lines.backorders(sku, 0, 500) == []
    async with stored.storage.database().reading() as connection:
        [query] = list[Any](asked)
        plan = await connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {query.statement}", query.parameters[0])
        extra = [step["Extra"] for step in plan.mappings() if step["table"] == "order_lines"]

    assert extra == ["Using index condition"]
