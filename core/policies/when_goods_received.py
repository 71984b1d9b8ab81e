"""The reactions of inventory to deliveries, counts and parcels that the warehouse reports."""

from dataclasses import dataclass

from core.inventory.create_batch import Purchase
from core.inventory.errors import UnknownBatch
from core.inventory.ship_order import check_extent
from core.kernel.idempotency import RequestContext
from core.messaging.message import Received
from core.use_cases import UseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsReceived:
    """The warehouse unloaded and counted a delivery: pieces of one article, identified by the delivery note."""

    delivery_note: str
    article: str
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCounted:
    """The warehouse counted a delivery again: the number of pieces it found."""

    delivery_note: str
    pieces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsDispatched:
    """A parcel left the warehouse, with one article of an order or all of them."""

    order: str
    article: str | None = None
    everything: bool = False
    """Whether the parcel contains the whole order; a missing `article` alone does not say so."""

    def __post_init__(self) -> None:
        check_extent("article", self.article, everything=self.everything)


async def when_goods_received(received: Received[GoodsReceived], use_cases: UseCases) -> None:
    """Correct the announced batch and mark it as arrived, or create the batch."""
    goods, request = received.body, RequestContext(arrived=received.message.at)
    note, pieces = goods.delivery_note, goods.pieces
    try:
        await use_cases.inventory.change_batch_quantity(note, pieces, goods.article)
    except UnknownBatch:
        purchase = Purchase(reference=note, sku=goods.article, quantity=pieces)
        await use_cases.inventory.create_batch(purchase, request)
    else:  # last, because it is never refused: a refusal after it would leave half of the report applied
        await use_cases.inventory.change_arrival(note, None, request)


async def when_stock_counted(received: Received[StockCounted], use_cases: UseCases) -> None:
    """Set the quantity of the batch to the count."""
    await use_cases.inventory.change_batch_quantity(received.body.delivery_note, received.body.pieces)


async def when_goods_dispatched(received: Received[GoodsDispatched], use_cases: UseCases) -> None:
    """Ship the contents of the parcel."""
    await use_cases.inventory.ship_order(received.body.order, received.body.article)
