"""The stores in dictionaries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from adapters.memory.database import Store, Transaction
from core.inventory.batch import Batch
from core.inventory.errors import BatchAlreadyCreated, ChangedMeanwhile
from core.inventory.order_line import LineState, OrderLine
from core.inventory.ports import Chores, LineKey, OrderLines, Skus
from core.inventory.sku import Sku
from core.inventory.sku_stock import SkuStock


class MemorySkus(Skus):
    """Skus by name; whoever holds one has a copy."""

    def __init__(self, store: Store, transaction: Transaction, inserts: list[Callable[[], None]]) -> None:
        self._database, self._transaction, self._inserts = store, transaction, inserts

    async def hold(self, names: Collection[str], *, whole: bool = False) -> Mapping[str, Sku]:
        keep = is_alive if whole else has_left
        return {name: self._lend(name, keep) for name in sorted(names) if name in self._database.skus}

    async def lock_batch(self, reference: str) -> Sku | None:
        name = self._database.batches.get(reference)
        return None if name is None else self._lend(name, lambda batch: is_alive(batch) or batch.reference == reference)

    def add(self, sku: Sku) -> None:
        self._inserts.append(partial(self._add, sku))

    def save(self, sku: Sku) -> None:
        self._inserts.append(partial(self._save, sku))

    def _lend(self, name: str, keep: Callable[[Batch], bool]) -> Sku:
        known = self._database.skus[name]
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
        if sku.name in self._database.skus:
            raise ChangedMeanwhile(f"somebody else just opened sku {sku.name}")
        self._transaction.put(self._database.skus, sku.name, replace(sku, stock=SkuStock()))

    def _save(self, sku: Sku) -> None:
        for reference in sku.stock.new:
            if reference in self._database.batches:
                raise BatchAlreadyCreated(f"there is a batch {reference}")
            self._transaction.put(self._database.batches, reference, sku.name)
        there = self._database.skus[sku.name].stock.batches | sku.stock.batches
        self._transaction.put(self._database.skus, sku.name, replace(sku, stock=SkuStock(there), lines={}))
        for order in sku.changed_lines:
            self._transaction.put(self._database.order_lines, LineKey(sku.name, order), sku.lines[order])


class MemoryOrderLines(OrderLines):
    """Order lines by sku and order."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def fetch(self, skus: Collection[Sku], wanted: Collection[LineKey]) -> None:
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

    async def waiting(self, sku: Sku, after: int, limit: int) -> Sequence[OrderLine]:
        most, left = sku.stock.most, sku.stock.left
        theirs = [
            line for key, line in self._database.order_lines.items() if key.sku == sku.name and line.place > after
        ]
        waiting = [line for line in theirs if line.state is LineState.WAITING]
        fitting = [line for line in waiting if line.quantity <= (left if line.split else most)]
        return sorted(fitting, key=lambda line: line.place)[:limit]


class MemoryChores(Chores):
    """What is due in the stores."""

    def __init__(self, store: Store) -> None:
        self._database = store

    async def expired(self, now: datetime, limit: int) -> Sequence[LineKey]:
        held = {key: line.hold_until for key, line in self._database.order_lines.items() if line.hold_until}
        return sorted((key for key, until in held.items() if until <= now), key=lambda key: held[key])[:limit]

    async def unserved(self, limit: int) -> Sequence[str]:
        return sorted(sku.name for sku in self._database.skus.values() if sku.unserved)[:limit]


def has_left(batch: Batch) -> bool:
    """Tell whether somebody can still have pieces of it."""
    return batch.available > 0


def is_alive(batch: Batch) -> bool:
    """Tell whether something is left of it, or can come back."""
    return batch.available > 0 or batch.shipped < batch.purchased
