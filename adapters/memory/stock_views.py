"""What people see of the stores, in dictionaries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from adapters.memory.store import Store, Transaction
from core.inventory.order_line import OrderLine
from core.inventory.stock import Stock
from core.inventory.views import Seen, SkuView, StockNews, StockProjection, StockViews, Written
from core.shared.clock import Clock

STOCK = "inventory"


class MemoryStockProjection(StockProjection):
    """Rows that only become newer."""

    def __init__(self, store: Store, transaction: Transaction, inserts: list[Callable[[], None]], clock: Clock) -> None:
        self._store, self._transaction, self._inserts, self._clock = store, transaction, inserts, clock

    async def generations(self) -> Collection[int]:
        known = self._store.projections[STOCK]
        building = known.until is not None and known.until > self._clock.now()
        return sorted({known.live, known.newest}) if building else [known.live]

    def put(self, generation: int, news: StockNews) -> None:
        self._inserts.append(partial(self._put, generation, news))

    def _put(self, generation: int, news: StockNews) -> None:
        for (order, sku), line in news.lines.items():
            self._renew(self._store.line_views, (generation, order, sku), line, lambda known: known.version)
        for reference, batch in news.batches.items():
            self._renew(self._store.batch_views, (generation, reference), batch, lambda known: known.version)
        for sku, version in news.skus.items():
            self._renew(self._store.sku_views, (generation, sku), version, lambda known: known)

    def _renew(self, view: dict[Any, Any], key: Any, row: Any, version: Callable[[Any], int]) -> None:
        if key not in view or version(view[key]) < version(row):
            self._transaction.put(view, key, row)


class MemoryStockViews(StockViews):
    """Rows of the generation that is live."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def order(self, order: str) -> Sequence[OrderLine]:
        live = self._store.projections[STOCK].live
        return [line for key, line in sorted(self._store.line_views.items()) if key[:2] == (live, order)]

    async def sku(self, sku: str) -> SkuView | None:
        live = self._store.projections[STOCK].live
        theirs = [batch for key, batch in self._store.batch_views.items() if key[0] == live and batch.sku == sku]
        left = sorted(
            (batch for batch in theirs if batch.available), key=lambda each: (each.eta or date.min, each.reference)
        )
        version = self._store.sku_views.get((live, sku))
        return None if version is None else SkuView(version, left)

    async def batch(self, reference: str) -> Stock | None:
        return self._store.batch_views.get((self._store.projections[STOCK].live, reference))


class MemoryWritten(Written):
    """Versions of what the views follow."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_order(self, order: str) -> Mapping[str, int]:
        return {key.sku: line.version for key, line in self._store.order_lines.items() if key.order == order}

    async def of_sku(self, sku: str) -> Mapping[str, int]:
        return {sku: self._store.skus[sku].version} if sku in self._store.skus else {}

    async def of_batch(self, reference: str) -> Mapping[str, int]:
        return await self.of_sku(self._store.batches.get(reference, ""))


class MemorySeen(Seen):
    """How far the generation that is live has come."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def version(self, sku: str) -> int:
        return self._store.sku_views.get((self._store.projections[STOCK].live, sku), 0)

    async def oldest_missing(self) -> datetime | None:
        reached = [(sku, await self.version(sku.name)) for sku in self._store.skus.values()]
        missing = [self._store.versions[sku.id, version + 1] for sku, version in reached if version < sku.version]
        return min((self._store.events[event].at for event in missing), default=None)
