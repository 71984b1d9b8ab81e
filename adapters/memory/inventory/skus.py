"""Skus, batches, order lines and due inventory work in the memory database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.inventory.batch import Batch
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import InventoryBacklog, LineKey, OrderLines, Skus
from core.inventory.sku import Sku
from core.inventory.sku_stock import SkuStock


class MemorySkus(Skus):
    """Skus by name; a caller gets a copy."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, names: Collection[str], *, include_depleted: bool = False) -> Mapping[str, Sku]:
        keep = is_active if include_depleted else has_stock
        return {name: self._copy(name, keep) for name in sorted(names) if name in self._work.database.skus}

    async def lock_batch(self, reference: str) -> Sku | None:
        name = self._work.database.batches.get(reference)
        if name is None:
            return None
        return self._copy(name, lambda batch: is_active(batch) or batch.reference == reference)

    def add(self, sku: Sku) -> None:
        self._work.inserts.append(partial(self._add, sku))

    def save(self, sku: Sku) -> None:
        self._work.inserts.append(partial(self._save, sku))

    def _copy(self, name: str, keep: Callable[[Batch], bool]) -> Sku:
        known = self._work.database.skus[name]
        there = {each.reference: each for each in known.stock.batches.values() if keep(each)}
        return Sku(
            id=known.id,
            name=name,
            version=known.version,
            waiting=known.waiting,
            short=known.short,
            unserved=known.unserved,
            stock=SkuStock(there),
        )

    def _add(self, sku: Sku) -> None:
        if sku.name in self._work.database.skus:
            raise ChangedMeanwhile.sku_created(sku.name)
        self._work.undo_log.put(self._work.database.skus, sku.name, replace(sku, stock=SkuStock()))

    def _save(self, sku: Sku) -> None:
        for reference in sku.stock.added:
            if reference in self._work.database.batches:
                raise BatchAlreadyCreated.named(reference)
            self._work.undo_log.put(self._work.database.batches, reference, sku.name)
        there = self._work.database.skus[sku.name].stock.batches | sku.stock.batches
        self._work.undo_log.put(self._work.database.skus, sku.name, replace(sku, stock=SkuStock(there), lines={}))
        for order in sku.changed_lines:
            self._work.undo_log.put(self._work.database.order_lines, LineKey(sku.name, order), sku.lines[order])


class MemoryOrderLines(OrderLines):
    """Order lines by sku and order."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def load(self, skus: Collection[Sku], wanted: Collection[LineKey]) -> None:
        known = {sku.name: sku for sku in skus}
        for key in wanted:
            if key.sku in known and key in self._database.order_lines:
                known[key.sku].lines[key.order] = self._database.order_lines[key]

    async def of_order(self, order: str) -> Sequence[OrderLine]:
        theirs = [line for line in self._database.order_lines.values() if line.order == order]
        return sorted(theirs, key=lambda line: line.sku)

    async def latest_allocated_from(self, batch: str, limit: int) -> Sequence[OrderLine]:
        held = [line for line in self._database.order_lines.values() if line.state is LineState.ALLOCATED]
        theirs = [line for line in held if any(part.batch == batch for part in line.parts)]
        return sorted(theirs, key=lambda line: (line.priority, line.place), reverse=True)[:limit]

    async def backorders(self, sku: Sku, after: int, limit: int) -> Sequence[OrderLine]:
        most, left = sku.stock.largest_available, sku.stock.splittable_available
        theirs = [
            line for key, line in self._database.order_lines.items() if key.sku == sku.name and line.place > after
        ]
        waiting = [line for line in theirs if line.state is LineState.WAITING]
        fitting = [line for line in waiting if line.quantity <= (left if line.split else most)]
        return sorted(fitting, key=lambda line: line.place)[:limit]


class MemoryInventoryBacklog(InventoryBacklog):
    """Finds due inventory work by scans."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def expired_holds(self, now: datetime, limit: int) -> Sequence[LineKey]:
        held = {key: line.hold_until for key, line in self._database.order_lines.items() if line.hold_until}
        return sorted((key for key, until in held.items() if until <= now), key=lambda key: held[key])[:limit]

    async def unserved_skus(self, limit: int) -> Sequence[str]:
        return sorted(sku.name for sku in self._database.skus.values() if sku.unserved)[:limit]


def has_stock(batch: Batch) -> bool:
    """Return whether the batch has available units."""
    return batch.available > 0


def is_active(batch: Batch) -> bool:
    """Return whether the batch has available units, or allocated ones that can be returned."""
    return batch.available > 0 or batch.shipped < batch.purchased
