"""The stock views of the memory database: written by the projection, read by queries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.inventory.order_line import OrderLine
from core.inventory.stock_level import StockLevel
from core.inventory.views import (
    STOCK_VIEWS_CHANGED,
    ProjectionProgress,
    SkuView,
    StockDelta,
    StockProjection,
    StockViews,
    StoredVersions,
)

STOCK_PROJECTION = "inventory"


class MemoryStockProjection(StockProjection):
    """Writes a view row only if its version is higher than the stored one."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def generations(self) -> Collection[int]:
        known = self._work.database.projections[STOCK_PROJECTION]
        building = known.until is not None and known.until > self._work.clock.now()
        return sorted({known.live, known.newest}) if building else [known.live]

    def put(self, generation: int, delta: StockDelta) -> None:
        self._work.inserts.append(partial(self._put, generation, delta))
        self._work.wake(STOCK_VIEWS_CHANGED)

    def _put(self, generation: int, delta: StockDelta) -> None:
        tables = self._work.database
        for (order, sku), line in delta.lines.items():
            self._upsert_if_newer(tables.line_views, (generation, order, sku), line, lambda known: known.version)
        for reference, batch in delta.batches.items():
            self._upsert_if_newer(tables.batch_views, (generation, reference), batch, lambda known: known.version)
        for sku, version in delta.skus.items():
            self._upsert_if_newer(tables.sku_views, (generation, sku), version, lambda known: known)

    def _upsert_if_newer(self, view: dict[Any, Any], key: Any, row: Any, version: Callable[[Any], int]) -> None:
        if key not in view or version(view[key]) < version(row):
            self._work.undo_log.put(view, key, row)


class MemoryStockViews(StockViews):
    """Reads the live generation."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def order(self, order: str) -> Sequence[OrderLine]:
        live = self._database.projections[STOCK_PROJECTION].live
        return [line for key, line in sorted(self._database.line_views.items()) if key[:2] == (live, order)]

    async def sku(self, sku: str) -> SkuView | None:
        live = self._database.projections[STOCK_PROJECTION].live
        theirs = [batch for key, batch in self._database.batch_views.items() if key[0] == live and batch.sku == sku]
        remaining = sorted(
            (batch for batch in theirs if batch.available), key=lambda each: (each.eta or date.min, each.reference)
        )
        version = self._database.sku_views.get((live, sku))
        return None if version is None else SkuView(version, remaining)

    async def batch(self, reference: str) -> StockLevel | None:
        return self._database.batch_views.get((self._database.projections[STOCK_PROJECTION].live, reference))


class MemoryStoredVersions(StoredVersions):
    """The stored versions that the views follow."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def of_order(self, order: str) -> Mapping[str, int]:
        return {key.sku: line.version for key, line in self._database.order_lines.items() if key.order == order}

    async def of_sku(self, sku: str) -> Mapping[str, int]:
        return {sku: self._database.skus[sku].version} if sku in self._database.skus else {}

    async def of_batch(self, reference: str) -> Mapping[str, int]:
        return await self.of_sku(self._database.batches.get(reference, ""))


class MemoryProjectionProgress(ProjectionProgress):
    """The progress of the live generation."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def version(self, sku: str) -> int:
        return self._database.sku_views.get((self._database.projections[STOCK_PROJECTION].live, sku), 0)

    async def oldest_unprojected_at(self) -> datetime | None:
        reached = [(sku, await self.version(sku.name)) for sku in self._database.skus.values()]
        missing = [self._database.versions[sku.id, version + 1] for sku, version in reached if version < sku.version]
        return min((self._database.events[event].at for event in missing), default=None)
