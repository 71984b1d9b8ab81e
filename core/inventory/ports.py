"""The ports of the inventory context."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from core.inventory.order_line import OrderLine
from core.inventory.sku import Sku
from core.inventory.views import StockProjection
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork


class LineKey(NamedTuple):
    """The key of an order line."""

    sku: str
    order: str


class Skus(Protocol):
    """The repository of skus with their batches."""

    @abstractmethod
    async def lock(self, names: Collection[str], *, include_depleted: bool = False) -> Mapping[str, Sku]:
        """Return the existing skus by name, and lock their rows until this unit of work ends.

        They contain the batches that have available pieces; `include_depleted` adds those to which pieces can return.
        """

    @abstractmethod
    async def lock_batch(self, reference: str) -> Sku | None:
        """Return the sku of this batch with its depleted batches, and lock its row; None if there is no such batch."""

    @abstractmethod
    def add(self, sku: Sku) -> None:
        """Insert the row of a new sku without its contents; the commit raises `ChangedMeanwhile` if the name exists."""

    @abstractmethod
    def save(self, sku: Sku) -> None:
        """Store the changes of a sku; the commit raises `BatchAlreadyCreated` if a new batch exists."""


class OrderLines(Protocol):
    """The repository of order lines."""

    @abstractmethod
    async def load(self, skus: Collection[Sku], wanted: Collection[LineKey]) -> None:
        """Add the wanted lines that exist to their skus, which are locked."""

    @abstractmethod
    async def of_order(self, order: str) -> Sequence[OrderLine]:
        """Return the lines of an order by sku, without a lock."""

    @abstractmethod
    async def latest_allocated_from(self, batch: str, limit: int) -> Sequence[OrderLine]:
        """Return unshipped lines that a batch supplies: the highest priority number first, then the newest."""

    @abstractmethod
    async def backorders(self, sku: Sku, after: int, limit: int) -> Sequence[OrderLine]:
        """Return the oldest waiting lines behind the place `after` that the available pieces can supply."""


class InventoryBacklog(Protocol):
    """The scheduled work of the inventory context."""

    @abstractmethod
    async def expired_holds(self, now: datetime, limit: int) -> Sequence[LineKey]:
        """Return lines whose hold ended at or before `now`, the earliest end first."""

    @abstractmethod
    async def unserved_skus(self, limit: int) -> Sequence[str]:
        """Return names of skus that have backorders which the available pieces were not offered to."""


class InventoryWork(UnitOfWork, Protocol):
    """A unit of work of the inventory context."""

    skus: Skus
    order_lines: OrderLines
    stock_projection: StockProjection


NewInventoryWork = NewUnitOfWork[InventoryWork]
