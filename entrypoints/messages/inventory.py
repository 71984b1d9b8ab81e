"""Messages of the inventory context: commands, and the events that its views project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.inventory import events
from core.inventory.create_batch import Purchase
from core.inventory.events import StockCommandRefused, StockEvent, StockRanOut
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.inventory.ports import LineKey
from core.inventory.ship_order import Shipment
from core.kernel.authorization import Permission
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.kernel.trace import tracing
from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.policies.when_out_of_stock import when_out_of_stock
from core.use_cases import UseCases
from entrypoints.messages.handlers import command, ignore_messages, per_message, refuse, topic_principal
from entrypoints.strict_decoding import decode, decode_event

STOCK_EVENT_TYPES: Mapping[str, type[StockEvent]] = {
    kind.MESSAGE_TYPE: kind
    for kind in (
        events.BatchCreated,
        events.BatchQuantityChanged,
        events.ArrivalChanged,
        events.Allocated,
        events.Queued,
        events.HoldMoved,
        events.Deallocated,
        events.Shipped,
        events.StockRanOut,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeallocateCommand:
    """The body of a `Deallocate` message."""

    order: str
    sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBatchQuantityCommand:
    """The body of a `ChangeBatchQuantity` message."""

    reference: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeArrivalCommand:
    """The body of a `ChangeArrival` message; without a day, the batch is in the warehouse."""

    reference: str
    eta: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrderCommand:
    """The body of a `CancelOrder` message."""

    order: str


async def allocate(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Allocate the lines of consecutive messages with one lock of each sku."""
    decoded = [allocation_request(message) for message in messages]
    requests = [each for each in decoded if isinstance(each, AllocationRequest)]
    outcomes = iter(await use_cases.inventory.allocate_lines(requests))
    for message, each in zip(messages, decoded, strict=True):
        outcome = next(outcomes) if isinstance(each, AllocationRequest) else each
        if isinstance(outcome, CoreError):
            with tracing(message.trace):
                await refuse(StockCommandRefused, message, outcome, use_cases)


def allocation_request(message: Message) -> AllocationRequest | CoreError:
    """Decode an `Allocate` message, or return the error of decoding it."""
    try:
        demand = decode(message.body, AllocationDemand)
    except CoreError as refusal:
        return refusal
    return AllocationRequest(demand, RequestContext(arrived=message.at, trace=message.trace))


@command(StockCommandRefused)
async def create_batch(message: Message, use_cases: UseCases) -> None:
    """Create a batch of purchased goods."""
    await use_cases.inventory.create_batch(decode(message.body, Purchase), RequestContext(arrived=message.at))


@command(StockCommandRefused)
async def deallocate(message: Message, use_cases: UseCases) -> None:
    """Return the pieces of a line to stock."""
    body = decode(message.body, DeallocateCommand)
    await use_cases.inventory.deallocate_line(LineKey(body.sku, body.order))


@command(StockCommandRefused)
async def change_batch_quantity(message: Message, use_cases: UseCases) -> None:
    """Change the quantity of a batch."""
    body = decode(message.body, ChangeBatchQuantityCommand)
    await use_cases.inventory.change_batch_quantity(body.reference, body.quantity)


@command(StockCommandRefused)
async def change_arrival(message: Message, use_cases: UseCases) -> None:
    """Change the arrival of a batch."""
    body = decode(message.body, ChangeArrivalCommand)
    await use_cases.inventory.change_arrival(body.reference, body.eta, RequestContext(arrived=message.at))


@command(StockCommandRefused)
async def cancel_order(message: Message, use_cases: UseCases) -> None:
    """Return all lines of an order to stock."""
    await use_cases.inventory.cancel_order(decode(message.body, CancelOrderCommand).order)


@command(StockCommandRefused)
async def ship_order(message: Message, use_cases: UseCases) -> None:
    """Ship a line, or all lines of an order."""
    body = decode(message.body, Shipment)
    await use_cases.inventory.ship_order(body.order, body.sku)


async def stock_changed(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Project events into the active generation and each one that is being built."""
    await use_cases.inventory.project_stock([decode_stock_event(message) for message in messages])


async def out_of_stock(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Project shortages, and apply their policy."""
    await stock_changed(messages, use_cases)
    await apply_out_of_stock_policy(messages, use_cases)


@per_message
async def apply_out_of_stock_policy(message: Message, use_cases: UseCases) -> None:
    """Apply the policy to one shortage."""
    await when_out_of_stock(Received(message, decode_event(message.body, StockRanOut)), use_cases)


async def project_inventory(messages: Sequence[Message], generation: int, use_cases: UseCases) -> None:
    """Project events into one generation."""
    known = [decode_stock_event(message) for message in messages if message.type in STOCK_EVENT_TYPES]
    await use_cases.inventory.project_stock(known, generation)


def decode_stock_event(message: Message) -> StockEvent:
    """Decode an event of this program."""
    return decode_event(message.body, STOCK_EVENT_TYPES[message.type])


ROUTES: dict[RouteKey, Route] = {
    ("inventory.commands", "CreateBatch"): create_batch,
    ("inventory.commands", "Allocate"): allocate,
    ("inventory.commands", "Deallocate"): deallocate,
    ("inventory.commands", "ChangeBatchQuantity"): change_batch_quantity,
    ("inventory.commands", "ChangeArrival"): change_arrival,
    ("inventory.commands", "CancelOrder"): cancel_order,
    ("inventory.commands", "ShipOrder"): ship_order,
    **{("inventory", kind): stock_changed for kind in STOCK_EVENT_TYPES},
    ("inventory", "OutOfStock"): out_of_stock,
    ("inventory", "StockCommandRefused"): ignore_messages,
    ("inventory.dead-letters", "MessageBuried"): ignore_messages,
}
PRINCIPALS = {"inventory.commands": topic_principal("inventory.commands", Permission.STOCK_WRITE)}
MAX_PER_TRANSACTION: dict[RouteKey, int] = {
    ("inventory.commands", "ChangeBatchQuantity"): 2,
    ("inventory.commands", "CreateBatch"): 5,
    ("inventory.commands", "ChangeArrival"): 25,
    ("inventory.commands", "Deallocate"): 25,
    ("inventory.commands", "CancelOrder"): 25,
    ("inventory.commands", "ShipOrder"): 25,
}
"""These lock skus, for which no other transaction waits longer than two seconds."""
