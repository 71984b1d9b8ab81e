"""What people see of the stores, in dictionaries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from adapters.memory.database import Store, Transaction
from core.inventory.order_line import OrderLine
from core.inventory.stock_level import StockLevel
from core.inventory.views import ProjectionProgress, SkuView, StockDelta, StockProjection, StockViews, StoredVersions
from core.kernel.clock import Clock

STOCK_PROJECTION = "inventory"


class MemoryStockProjection(StockProjection):
    """Rows that only become newer."""

    def __init__(self, store: Store, transaction: Transaction, inserts: list[Callable[[], None]], clock: Clock) -> None:
        self._database, self._transaction, self._inserts, self._clock = store, transaction, inserts, clock

    async def generations(self) -> Collection[int]:
        known = self._database.projections[STOCK_PROJECTION]
        building = known.until is not None and known.until > self._clock.now()
        return sorted({known.live, known.newest}) if building else [known.live]

    def put(self, generation: int, delta: StockDelta) -> None:
        self._inserts.append(partial(self._put, generation, delta))

    def _put(self, generation: int, delta: StockDelta) -> None:
        for (order, sku), line in delta.lines.items():
            self._renew(self._database.line_views, (generation, order, sku), line, lambda known: known.version)
        for reference, batch in delta.batches.items():
            self._renew(self._database.batch_views, (generation, reference), batch, lambda known: known.version)
        for sku, version in delta.skus.items():
            self._renew(self._database.sku_views, (generation, sku), version, lambda known: known)

    def _renew(self, view: dict[Any, Any], key: Any, row: Any, version: Callable[[Any], int]) -> None:
        if key not in view or version(view[key]) < version(row):
            self._transaction.put(view, key, row)


class MemoryStockViews(StockViews):
    """Rows of the generation that is live."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def order(self, order: str) -> Sequence[OrderLine]:
        live = self._database.projections[STOCK_PROJECTION].live
        return [line for key, line in sorted(self._database.line_views.items()) if key[:2] == (live, order)]

    async def sku(self, sku: str) -> SkuView | None:
        live = self._database.projections[STOCK_PROJECTION].live
        theirs = [batch for key, batch in self._database.batch_views.items() if key[0] == live and batch.sku == sku]
        left = sorted(
            (batch for batch in theirs if batch.available), key=lambda each: (each.eta or date.min, each.reference)
        )
        version = self._database.sku_views.get((live, sku))
        return None if version is None else SkuView(version, left)

    async def batch(self, reference: str) -> StockLevel | None:
        return self._database.batch_views.get((self._database.projections[STOCK_PROJECTION].live, reference))


class MemoryStoredVersions(StoredVersions):
    """Versions of what the views follow."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def of_order(self, order: str) -> Mapping[str, int]:
        return {key.sku: line.version for key, line in self._database.order_lines.items() if key.order == order}

    async def of_sku(self, sku: str) -> Mapping[str, int]:
        return {sku: self._database.skus[sku].version} if sku in self._database.skus else {}

    async def of_batch(self, reference: str) -> Mapping[str, int]:
        return await self.of_sku(self._database.batches.get(reference, ""))


class MemoryProjectionProgress(ProjectionProgress):
    """How far the generation that is live has come."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def version(self, sku: str) -> int:
        return self._database.sku_views.get((self._database.projections[STOCK_PROJECTION].live, sku), 0)

    async def oldest_unprojected_at(self) -> datetime | None:
        reached = [(sku, await self.version(sku.name)) for sku in self._database.skus.values()]
        missing = [self._database.versions[sku.id, version + 1] for sku, version in reached if version < sku.version]
        return min((self._database.events[event].at for event in missing), default=None)
