"""Skus, batches, order lines and due inventory work in SQL; the row lock of a sku covers its batches and lines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.conflicts import CONFLICTS, Row
from adapters.sql.engine.database import Database
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.inventory.rows import allocation_rows, as_batch, as_line, batch_row, line_row, sku_row
from adapters.sql.inventory.tables import allocations, batches, order_lines, skus
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import InventoryBacklog, LineKey, OrderLines, Skus
from core.inventory.sku import Sku
from core.kernel.errors import CoreError

LINES = select(order_lines, skus.c.name.label("sku")).join(skus, skus.c.id == order_lines.c.sku_id)

HAS_STOCK = batches.c.available > 0
ACTIVE = HAS_STOCK | (batches.c.shipped < batches.c.purchased)
"""Excludes fully shipped batches, which never change again and become the majority."""


class SqlSkus(Skus):
    """Skus as rows, with a row for each batch."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def lock(self, names: Collection[str], *, include_depleted: bool = False) -> Mapping[str, Sku]:
        # The index gives one lock order by name, so that two transactions with several skus cannot deadlock.
        found = select(skus).where(skus.c.name.in_(names)).with_hint(skus, "FORCE INDEX (uq_skus_name)", "mysql")
        return await self._locked(
            found.order_by(skus.c.name).with_for_update(), ACTIVE if include_depleted else HAS_STOCK
        )

    async def lock_batch(self, reference: str) -> Sku | None:
        found = select(skus).join(batches, batches.c.sku_id == skus.c.id).where(batches.c.reference == reference)
        held = await self._locked(found.with_for_update(of=skus), ACTIVE | (batches.c.reference == reference))
        return next(iter(held.values()), None)

    def add(self, sku: Sku) -> None:
        self._work.insert(skus, sku_row(sku))

    def save(self, sku: Sku) -> None:
        for reference in sku.stock.modified - sku.stock.added:
            self._work.change(batches, batch_row(sku, sku.stock.batches[reference]))
        for reference in sku.stock.added:
            self._work.insert(batches, batch_row(sku, sku.stock.batches[reference]))
        for line in [sku.lines[order] for order in sku.changed_lines]:
            self._work.change(order_lines, line_row(sku, line))
            for row in allocation_rows(sku, line):
                self._work.change(allocations, row)
        self._work.change(skus, sku_row(sku))

    async def _locked(self, query: Select[Any], which: ColumnElement[bool]) -> dict[str, Sku]:
        connection = await self._work.connect()
        rows = (await connection.execute(query)).mappings().all()
        held = {row.id: Sku(**row) for row in rows}
        if held:
            for row in await connection.execute(select(batches).where(batches.c.sku_id.in_(held) & which)):
                held[row.sku_id].stock.batches[row.reference] = as_batch(row)
        return {sku.name: sku for sku in held.values()}


class SqlOrderLines(OrderLines):
    """Order lines as rows."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def load(self, skus: Collection[Sku], wanted: Collection[LineKey]) -> None:
        known = {sku.name: sku for sku in skus}
        keys = [(key.order, known[key.sku].id) for key in wanted if key.sku in known]
        if keys:
            key = tuple_(order_lines.c.order_id, order_lines.c.sku_id)
            for line in await self._lines(LINES.where(key.in_(keys))):
                known[line.sku].lines[line.order] = line

    async def of_order(self, order: str) -> Sequence[OrderLine]:
        return sorted(await self._lines(LINES.where(order_lines.c.order_id == order)), key=lambda line: line.sku)

    async def latest_allocated_from(self, batch: str, limit: int) -> Sequence[OrderLine]:
        same = (allocations.c.order_id == order_lines.c.order_id) & (allocations.c.sku_id == order_lines.c.sku_id)
        mine = (allocations.c.batch == batch) & (allocations.c.state == LineState.ALLOCATED)
        latest = (allocations.c.priority.desc(), allocations.c.place.desc())
        return await self._lines(LINES.join(allocations, same).where(mine).order_by(*latest).limit(limit))

    async def backorders(self, sku: Sku, after: int, limit: int) -> Sequence[OrderLine]:
        theirs = (order_lines.c.sku_id == sku.id) & (order_lines.c.state == LineState.WAITING)
        fits = (order_lines.c.quantity <= sku.stock.largest_available) | (
            order_lines.c.split & (order_lines.c.quantity <= sku.stock.splittable_available)
        )
        query = LINES.where(theirs & (order_lines.c.place > after) & fits).order_by(order_lines.c.place)
        return await self._lines(query.limit(limit))

    async def _lines(self, query: Select[Any]) -> list[OrderLine]:
        return [as_line(row) for row in await (await self._work.connect()).execute(query)]


class SqlInventoryBacklog(InventoryBacklog):
    """Finds due inventory work by indexes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[LineKey]:
        over = select(skus.c.name, order_lines.c.order_id).join(order_lines, order_lines.c.sku_id == skus.c.id)
        query = over.where(order_lines.c.hold_until <= now).order_by(order_lines.c.hold_until).limit(limit)
        async with self._database.reading() as connection:
            return [LineKey(*row) for row in await connection.execute(query)]

    async def unserved_skus(self, limit: int) -> Sequence[str]:
        query = select(skus.c.name).where(skus.c.unserved == true()).order_by(skus.c.name).limit(limit)
        async with self._database.reading() as connection:
            return list(await connection.scalars(query))


async def sku_created(_connection: AsyncConnection, row: Row) -> CoreError:
    """Return the error for two transactions that create one sku."""
    return ChangedMeanwhile.sku_created(row["name"])


async def batch_created(_connection: AsyncConnection, row: Row) -> CoreError:
    """Return the error for a batch reference that is in use."""
    return BatchAlreadyCreated.named(row["reference"])


skus.info[CONFLICTS] = {"uq_skus_name": sku_created}
batches.info[CONFLICTS] = {"pk_batches": batch_created}
