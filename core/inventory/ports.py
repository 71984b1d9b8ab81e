"""What the stores need from the outside world."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from core.inventory.order_line import OrderLine
from core.inventory.sku import Sku
from core.inventory.views import StockProjection
from core.kernel.unit_of_work import UnitOfWork


class LineKey(NamedTuple):
    """Which order line."""

    sku: str
    order: str


class Skus(Protocol):
    """Every sku with its batches."""

    @abstractmethod
    async def hold(self, names: Collection[str], *, whole: bool = False) -> Mapping[str, Sku]:
        """Return those that there are, and keep everybody else from changing them until this work ends.

        They have the batches that have something left; where the `whole` is asked for, those that pieces can come back
        to as well.
        """

    @abstractmethod
    async def lock_batch(self, reference: str) -> Sku | None:
        """Return the whole sku that has this batch, and this batch, and keep everybody else from changing them."""

    @abstractmethod
    def add(self, sku: Sku) -> None:
        """Remember a new sku, whatever is in it; the commit raises `ChangedMeanwhile` if there is one of its name."""

    @abstractmethod
    def save(self, sku: Sku) -> None:
        """Store what was changed; the commit raises `BatchAlreadyCreated` if a new batch is known elsewhere."""


class OrderLines(Protocol):
    """Every order line, as far as it is stored."""

    @abstractmethod
    async def fetch(self, skus: Collection[Sku], wanted: Collection[LineKey]) -> None:
        """Give these lines, as far as there are any, to the skus, which are held."""

    @abstractmethod
    async def of_order(self, order: str) -> Sequence[OrderLine]:
        """Return the lines of an order, whose skus may be held by anybody."""

    @abstractmethod
    async def latest_allocated_from(self, batch: str, limit: int) -> Sequence[OrderLine]:
        """Return lines that have pieces of a batch in the stores: the highest priority first, then the youngest."""

    @abstractmethod
    async def waiting(self, sku: Sku, after: int, limit: int) -> Sequence[OrderLine]:
        """Return the oldest lines that wait for a sku and that what is left can serve, from behind a place on."""


class Chores(Protocol):
    """What has to be done in the stores though nobody asks for it."""

    @abstractmethod
    async def expired(self, now: datetime, limit: int) -> Sequence[LineKey]:
        """Return lines whose time to be held is over, the longest over first."""

    @abstractmethod
    async def unserved(self, limit: int) -> Sequence[str]:
        """Return skus that have pieces which those who wait have not been offered."""


class InventoryWork(UnitOfWork, Protocol):
    """A unit of work over the stores."""

    skus: Skus
    order_lines: OrderLines
    stock_projection: StockProjection


NewInventoryWork = Callable[[], InventoryWork]
