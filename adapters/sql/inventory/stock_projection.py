"""Writes the stock views in SQL."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Dialect, Insert, Table, func
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.inserts import UPSERT
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.inventory.tables import batch_views, line_views, sku_views
from adapters.sql.messaging.projections import generations_of
from core.inventory.stock_level import StockLevel
from core.inventory.views import STOCK_VIEWS_CHANGED, StockDelta, StockProjection

STOCK_PROJECTION = "inventory"


def projection_tables() -> Mapping[str, Sequence[Table]]:
    """Return the tables of the projection."""
    return {STOCK_PROJECTION: (line_views, batch_views, sku_views)}


class SqlStockProjection(StockProjection):
    """Writes a view row only if its version is higher than the stored one."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work

    async def generations(self) -> Collection[int]:
        row = (await (await self._work.connect()).execute(generations_of(STOCK_PROJECTION))).one()
        return sorted({row.live, row.newest}) if row.building else [row.live]

    def put(self, generation: int, delta: StockDelta) -> None:
        for table, row in view_rows(delta, generation):
            self._work.insert(table, row)
        if delta.skus:
            self._work.wake(STOCK_VIEWS_CHANGED)


def view_rows(delta: StockDelta, generation: int) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Yield rows in key order: a consumer and a rebuild that write the same rows cannot deadlock."""
    for (order, sku), line in sorted(delta.lines.items(), key=lambda item: item[0]):
        row = {"order_id": order, "sku": sku, "document": msgspec.json.encode(line).decode(), "version": line.version}
        yield line_views, {"generation": generation} | row
    for _, batch in sorted(delta.batches.items()):
        yield batch_views, {"generation": generation} | batch_row(batch)
    for sku, version in sorted(delta.skus.items()):
        yield sku_views, {"generation": generation, "sku": sku, "version": version}


def upsert_if_newer(table: Table) -> Callable[[Dialect], Insert]:
    """Return a function of the dialect that builds an insert which overwrites only rows of a lower version."""

    def upsert(dialect: Dialect) -> Insert:
        key = list(table.primary_key.columns)
        others = [column for column in table.columns if column not in key]  # the version is the last of them
        if dialect.name == "mysql":
            new = mysql.insert(table)
            is_newer = new.inserted.version > table.c.version
            # MySQL assigns from left to right: the compared version must change last.
            changes = [(each.name, func.IF(is_newer, new.inserted[each.name], each)) for each in others]
            return new.on_duplicate_key_update(changes)
        added = sqlite.insert(table)
        changed = {each.name: added.excluded[each.name] for each in others}
        return added.on_conflict_do_update(
            index_elements=key, set_=changed, where=added.excluded.version > table.c.version
        )

    return upsert


for view in (line_views, batch_views, sku_views):
    view.info[UPSERT] = upsert_if_newer(view)


def batch_row(batch: StockLevel) -> dict[str, Any]:
    """Return the columns of a batch."""
    names = ("reference", "sku", "purchased", "available", "shipped", "eta", "version")
    return {name: getattr(batch, name) for name in names}
