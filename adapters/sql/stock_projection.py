"""The views of the stores in SQL, for whoever keeps them up to date."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from sqlalchemy import Dialect, Insert, Table, func
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.database import Connect, InsertRow
from adapters.sql.projections import STOCK_PROJECTION, fed
from adapters.sql.tables import batch_views, line_views, sku_views
from core.inventory.stock_level import StockLevel
from core.inventory.views import StockDelta, StockProjection


class SqlStockProjection(StockProjection):
    """Rows that only become newer."""

    def __init__(self, insert: InsertRow, connect: Connect) -> None:
        self._insert, self._connect = insert, connect

    async def generations(self) -> Collection[int]:
        row = (await (await self._connect()).execute(fed(STOCK_PROJECTION))).one()
        return sorted({row.live, row.newest}) if row.building else [row.live]

    def put(self, generation: int, delta: StockDelta) -> None:
        # in the order of the keys: a consumer and a rebuild that write the same rows do not wait for each other
        for (order, sku), line in sorted(delta.lines.items(), key=lambda item: item[0]):
            document = msgspec.json.encode(line).decode()
            row = {"order_id": order, "sku": sku, "document": document, "version": line.version}
            self._insert(line_views, {"generation": generation} | row)
        for _, batch in sorted(delta.batches.items()):
            self._insert(batch_views, {"generation": generation} | batch_row(batch))
        for sku, version in sorted(delta.skus.items()):
            self._insert(sku_views, {"generation": generation, "sku": sku, "version": version})


def newer(table: Table) -> Callable[[Dialect], Insert]:
    """Return what makes an insert that changes a row which is there only where it is older."""

    def put(dialect: Dialect) -> Insert:
        key = list(table.primary_key.columns)
        others = [column for column in table.columns if column not in key]  # their version is the last of them
        if dialect.name == "mysql":
            new = mysql.insert(table)
            is_newer = new.inserted.version > table.c.version
            # From left to right: the version that the others are judged by is changed after them.
            changes = [(each.name, func.IF(is_newer, new.inserted[each.name], each)) for each in others]
            return new.on_duplicate_key_update(changes)
        added = sqlite.insert(table)
        changed = {each.name: added.excluded[each.name] for each in others}
        return added.on_conflict_do_update(
            index_elements=key, set_=changed, where=added.excluded.version > table.c.version
        )

    return put


def batch_row(batch: StockLevel) -> dict[str, Any]:
    """Return the columns of a batch."""
    names = ("reference", "sku", "purchased", "available", "shipped", "eta", "version")
    return {name: getattr(batch, name) for name in names}
