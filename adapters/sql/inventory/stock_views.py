"""Reads the stock views in SQL, with the stored versions and the progress of the projection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import event_log
from adapters.sql.inventory.stock_projection import STOCK_PROJECTION
from adapters.sql.inventory.tables import batch_views, batches, line_views, order_lines, sku_views, skus
from adapters.sql.messaging.projections import live_generation
from core.inventory.order_line import OrderLine
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, SkuView, StockViews, StoredVersions
from core.kernel.batching import Batcher, PendingItem

# Each statement looks up the generation itself: between two statements another one may become live.
LINES = (
    select(line_views.c.document)
    .where(line_views.c.generation == live_generation(STOCK_PROJECTION))
    .order_by(line_views.c.sku)
)
BATCHES = select(batch_views).where(batch_views.c.generation == live_generation(STOCK_PROJECTION))
SKUS = select(sku_views.c.sku, sku_views.c.version).where(sku_views.c.generation == live_generation(STOCK_PROJECTION))


class SqlStockViews(StockViews):
    """Reads the live generation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, order: str) -> Sequence[OrderLine]:
        rows = await self._rows(LINES.where(line_views.c.order_id == order))
        return [msgspec.json.decode(row.document, type=OrderLine) for row in rows]

    async def sku(self, sku: str) -> SkuView | None:
        theirs = (batch_views.c.generation == sku_views.c.generation) & (batch_views.c.sku == sku_views.c.sku)
        left = theirs & (batch_views.c.available > 0)
        query = SKUS.with_only_columns(sku_views.c.version.label("reached"), batch_views)
        rows = await self._rows(
            query.outerjoin_from(sku_views, batch_views, left)
            .where(sku_views.c.sku == sku)
            .order_by(batch_views.c.eta.is_not(None), batch_views.c.eta, batch_views.c.reference)
        )
        return SkuView(rows[0].reached, [as_stock(row) for row in rows if row.reference]) if rows else None

    async def batch(self, reference: str) -> StockLevel | None:
        rows = await self._rows(BATCHES.where(batch_views.c.reference == reference))
        return as_stock(rows[0]) if rows else None

    async def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        async with self._database.reading() as connection:
            return list(await connection.execute(query))


class SqlStoredVersions(StoredVersions):
    """The stored versions that the views follow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_order(self, order: str) -> Mapping[str, int]:
        lines = select(skus.c.name, order_lines.c.version).join(order_lines, order_lines.c.sku_id == skus.c.id)
        return await self._versions(lines.where(order_lines.c.order_id == order))

    async def of_sku(self, sku: str) -> Mapping[str, int]:
        return await self._versions(select(skus.c.name, skus.c.version).where(skus.c.name == sku))

    async def of_batch(self, reference: str) -> Mapping[str, int]:
        has = select(skus.c.name, skus.c.version).join(batches, batches.c.sku_id == skus.c.id)
        return await self._versions(has.where(batches.c.reference == reference))

    async def _versions(self, query: Select[Any]) -> Mapping[str, int]:
        async with self._database.reading() as connection:
            return {row.name: row.version for row in await connection.execute(query)}


class SqlProjectionProgress(ProjectionProgress):
    """The progress of the live generation; concurrent lookups share a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Batcher[str, int](self._look_up_batch)

    async def version(self, sku: str) -> int:
        return await self._lookups(sku)

    async def oldest_unprojected_at(self) -> datetime | None:
        view = (sku_views.c.generation == live_generation(STOCK_PROJECTION)) & (sku_views.c.sku == skus.c.name)
        reached = func.coalesce(sku_views.c.version, 0)
        following = (event_log.c.aggregate_id == skus.c.id) & (event_log.c.aggregate_version == reached + 1)
        # A subquery, because SQLite would otherwise scan the log by time instead of the skus.
        missing = select(event_log.c.at).where(following).correlate(skus, sku_views).scalar_subquery()
        behind = select(func.min(missing)).select_from(skus.outerjoin(sku_views, view)).where(skus.c.version > reached)
        async with self._database.reading() as connection:
            oldest: datetime | None = await connection.scalar(behind)
        return oldest

    async def _look_up_batch(self, batch: Sequence[PendingItem[str, int]]) -> None:
        query = SKUS.where(sku_views.c.sku.in_({each.item for each in batch}))
        async with self._database.reading() as connection:
            versions = {row.sku: row.version for row in await connection.execute(query)}
        for each in batch:
            each.resolve(versions.get(each.item, 0))


def as_stock(row: Row[Any]) -> StockLevel:
    """Rebuild a batch from columns."""
    return StockLevel(
        reference=row.reference,
        sku=row.sku,
        purchased=row.purchased,
        available=row.available,
        allocated=row.purchased - row.available,
        shipped=row.shipped,
        eta=row.eta,
        version=row.version,
    )
