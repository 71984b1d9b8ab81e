"""Commands to the stores, and how they are answered where they cannot be followed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec

from core.inventory.create_batch import Purchase
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.inventory.ports import LineKey
from core.kernel.errors import CoreError, Unavailable
from core.kernel.idempotency import RequestContext
from core.kernel.trace import tracing
from core.messaging.message import Message
from entrypoints.messages.route import NewWork, Route, UseCases, per_message

T = TypeVar("T")
Command = Callable[[Message, NewWork], Awaitable[Any]]


class DeallocateCommand(msgspec.Struct, frozen=True):
    """The body of a `Deallocate` message."""

    order: str
    sku: str


class ChangeBatchQuantityCommand(msgspec.Struct, frozen=True):
    """The body of a `ChangeBatchQuantity` message."""

    reference: str
    quantity: int


class ChangeArrivalCommand(msgspec.Struct, frozen=True):
    """The body of a `ChangeArrival` message; no day means that the batch is in the warehouse."""

    reference: str
    eta: date | None


class CancelOrderCommand(msgspec.Struct, frozen=True):
    """The body of a `CancelOrder` message."""

    order: str


class ShipOrderCommand(msgspec.Struct, frozen=True):
    """The body of a `ShipOrder` message; without a sku everything of the order is meant."""

    order: str
    sku: str | None = None


def commands(use_cases: UseCases) -> Mapping[str, Route]:
    """Return what to do with each type of command."""
    reporting_refusals = refusal_reporting(use_cases)

    async def allocate(messages: Sequence[Message], new_work: NewWork) -> None:
        read = [allocation_request(message) for message in messages]
        requests = [each for each in read if isinstance(each, AllocationRequest)]
        done = iter(await use_cases["allocate_lines"](new_work=new_work)(requests))
        for message, each in zip(messages, read, strict=True):
            outcome = next(done) if isinstance(each, AllocationRequest) else each
            if isinstance(outcome, CoreError):
                with tracing(message.trace):
                    await use_cases["refuse_stock_command"](new_work=new_work)(message.id, outcome)

    async def create_batch(message: Message, new_work: NewWork) -> None:
        purchase = decode_body(message, Purchase)
        await use_cases["create_batch"](new_work=new_work)(purchase, RequestContext(arrived=message.at))

    async def deallocate(message: Message, new_work: NewWork) -> None:
        command = decode_body(message, DeallocateCommand)
        await use_cases["deallocate_line"](new_work=new_work)(LineKey(command.sku, command.order))

    async def change_quantity(message: Message, new_work: NewWork) -> None:
        command = decode_body(message, ChangeBatchQuantityCommand)
        await use_cases["change_batch_quantity"](new_work=new_work)(command.reference, command.quantity)

    async def change_arrival(message: Message, new_work: NewWork) -> None:
        command = decode_body(message, ChangeArrivalCommand)
        request = RequestContext(arrived=message.at)
        await use_cases["change_arrival"](new_work=new_work)(command.reference, command.eta, request)

    async def cancel(message: Message, new_work: NewWork) -> None:
        await use_cases["cancel_order"](new_work=new_work)(decode_body(message, CancelOrderCommand).order)

    async def ship(message: Message, new_work: NewWork) -> None:
        command = decode_body(message, ShipOrderCommand)
        await use_cases["ship_order"](new_work=new_work)(command.order, command.sku)

    return {
        "CreateBatch": reporting_refusals(create_batch),
        "Allocate": allocate,
        "Deallocate": reporting_refusals(deallocate),
        "ChangeBatchQuantity": reporting_refusals(change_quantity),
        "ChangeArrival": reporting_refusals(change_arrival),
        "CancelOrder": reporting_refusals(cancel),
        "ShipOrder": reporting_refusals(ship),
    }


def refusal_reporting(use_cases: UseCases) -> Callable[[Command], Route]:
    """Return what makes a route of a command: where the core refuses it, whoever sent it hears why."""

    def reporting_refusals(command: Command) -> Route:
        @per_message
        async def route(message: Message, new_work: NewWork) -> None:
            try:
                await command(message, new_work)
            except Unavailable:
                raise
            except CoreError as refusal:
                await use_cases["refuse_stock_command"](new_work=new_work)(message.id, refusal)

        return route

    return reporting_refusals


def allocation_request(message: Message) -> AllocationRequest | CoreError:
    """Read an `Allocate` message, or return what is wrong with it."""
    with tracing(message.trace):
        try:
            return AllocationRequest(decode_body(message, AllocationDemand), RequestContext(arrived=message.at))
        except CoreError as refusal:
            return refusal


def decode_body(message: Message, kind: type[T]) -> T:
    """Read a body; what the core says of a field is raised as such, with the path of the field."""
    try:
        return msgspec.json.decode(message.body, type=kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, CoreError):
            raise error.__cause__ from error
        raise
