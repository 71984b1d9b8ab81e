"""Which message drives which use case: the one place where contexts meet."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from core.fees.paper_selection import PaperSelection
from core.fees.submission import FeeSubmitted
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.inventory.create_batch import Purchase
from core.inventory.errors import UnknownBatch
from core.inventory.events import OutOfStock
from core.inventory.order_line import AllocationDemand, AllocationRequest
from core.kernel.errors import CoreError, Unavailable
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from core.kernel.trace import tracing
from core.messaging.inbox import DEAD_LETTER_SUFFIX
from core.messaging.message import Message
from core.notifications.delivery import Notice, RecipientId
from core.notifications.staff import INVENTORY_STAFF
from entrypoints.messages.inventory_commands import commands, decode_body, refusal_reporting
from entrypoints.messages.route import NewWork, Route, RouteKey, UseCases, ignore_messages, per_message
from entrypoints.messages.stock_events import STOCK_EVENT_TYPES, decode_stock_event

MAX_MESSAGES_PER_TRANSACTION: Mapping[RouteKey, int] = {
    ("inventory.commands", "ChangeBatchQuantity"): 2,
    ("inventory.commands", "CreateBatch"): 5,
    ("inventory.commands", "ChangeArrival"): 25,
    ("inventory.commands", "Deallocate"): 25,
    ("inventory.commands", "CancelOrder"): 25,
    ("inventory.commands", "ShipOrder"): 25,
    ("warehouse", "StockCounted"): 2,
    ("warehouse", "GoodsReceived"): 2,
    ("warehouse", "GoodsDispatched"): 25,
}
"""How many messages one transaction takes: they hold skus, for which nobody else waits longer than two seconds."""


class SubmitExamFeeCommand(msgspec.Struct, frozen=True):
    """The body of a `SubmitExamFee` message."""

    schedule: str
    registration: str
    papers: tuple[str, ...] = ()
    practicals: tuple[str, ...] = ()


class GoodsReceived(msgspec.Struct, frozen=True):
    """What a warehouse says when a delivery was unloaded and counted: pieces of an article, by its delivery note."""

    delivery_note: str
    article: str
    pieces: int


class StockCounted(msgspec.Struct, frozen=True):
    """What a warehouse says when it found more or fewer pieces of a delivery than it knew of."""

    delivery_note: str
    pieces: int


class GoodsDispatched(msgspec.Struct, frozen=True):
    """What a warehouse says when a parcel left."""

    order: str
    article: str | None = None


def routes(use_cases: UseCases) -> Mapping[RouteKey, Route]:
    """Return what to do with each kind of message."""
    reporting_refusals = refusal_reporting(use_cases)

    @per_message
    async def submit_exam_fee(message: Message, new_work: NewWork) -> None:
        command = msgspec.json.decode(message.body, type=SubmitExamFeeCommand)
        request = RequestContext(arrived=message.at)  # the inbox has made sure that it is the first of its key
        try:
            selection = PaperSelection(papers=command.papers, practicals=command.practicals)
            demand = ExamFeeSubmission(
                schedule=command.schedule, registration=command.registration, selection=selection
            )
            await use_cases["submit_exam_fee"](new_work=new_work)(demand, request)
        except Unavailable:
            raise
        except CoreError as refusal:
            await use_cases["refuse_exam_fee"](new_work=new_work)(message.id, refusal)

    async def fee_submitted(messages: Sequence[Message], new_work: NewWork) -> None:
        await notify_candidates(messages, new_work)
        if kits := [kit for message in messages if (kit := kit_request(message))]:
            for outcome in await use_cases["allocate_lines"](new_work=new_work)(kits):
                if isinstance(outcome, CoreError):
                    raise outcome

    @per_message
    async def notify_candidates(message: Message, new_work: NewWork) -> None:
        event = msgspec.json.decode(message.body, type=FeeSubmitted)
        notice = Notice(
            notice=message.id,
            about=event.subject,
            recipient=RecipientId(event.student),
            template="fee_submitted",
            facts=facts(event),
        )
        await use_cases["send_notice"](new_work=new_work)(notice)

    async def stock_changed(messages: Sequence[Message], new_work: NewWork) -> None:
        await use_cases["project_stock"](new_work=new_work)([decode_stock_event(message) for message in messages])

    async def out_of_stock(messages: Sequence[Message], new_work: NewWork) -> None:
        await stock_changed(messages, new_work)
        await notify_inventory_staff(messages, new_work)

    @per_message
    async def notify_inventory_staff(message: Message, new_work: NewWork) -> None:
        event = msgspec.json.decode(message.body, type=OutOfStock)
        told = {name: getattr(event, name) for name in ("sku", "order", "quantity", "available", "waiting")}
        notice = Notice(
            notice=message.id, about=event.subject, recipient=INVENTORY_STAFF, template="out_of_stock", facts=told
        )
        await use_cases["send_notice"](new_work=new_work)(notice)

    @reporting_refusals
    async def goods_received(message: Message, new_work: NewWork) -> None:
        goods = decode_body(message, GoodsReceived)
        request = RequestContext(arrived=message.at)
        note, pieces = goods.delivery_note, goods.pieces
        try:
            await use_cases["change_batch_quantity"](new_work=new_work)(note, pieces, goods.article)
        except UnknownBatch:
            purchase = Purchase(reference=note, sku=goods.article, quantity=pieces)
            await use_cases["create_batch"](new_work=new_work)(purchase, request)
        else:  # last, for it is never refused: what is half believed would be half done
            await use_cases["change_arrival"](new_work=new_work)(note, None, request)

    @reporting_refusals
    async def stock_counted(message: Message, new_work: NewWork) -> None:
        count = decode_body(message, StockCounted)
        await use_cases["change_batch_quantity"](new_work=new_work)(count.delivery_note, count.pieces)

    @reporting_refusals
    async def goods_dispatched(message: Message, new_work: NewWork) -> None:
        parcel = decode_body(message, GoodsDispatched)
        await use_cases["ship_order"](new_work=new_work)(parcel.order, parcel.article)

    table: Mapping[RouteKey, Route] = {
        ("fees.commands", "SubmitExamFee"): submit_exam_fee,
        ("fees", "FeeSubmitted"): fee_submitted,
        ("fees", "ExamFeeRefused"): ignore_messages,
        **{("inventory.commands", kind): route for kind, route in commands(use_cases).items()},
        **{("inventory", kind): stock_changed for kind in STOCK_EVENT_TYPES},
        ("inventory", "OutOfStock"): out_of_stock,
        ("inventory", "StockCommandRefused"): ignore_messages,
        ("warehouse", "GoodsReceived"): goods_received,
        ("warehouse", "StockCounted"): stock_counted,
        ("warehouse", "GoodsDispatched"): goods_dispatched,
    }
    origins = {context.partition(".")[0] for context, _ in table}
    return {**table, **{(f"{origin}.{DEAD_LETTER_SUFFIX}", "MessageBuried"): ignore_messages for origin in origins}}


def contexts() -> tuple[str, ...]:
    """Return the contexts of all messages that have a route; a broker has a topic for each."""
    return tuple(sorted({context for context, _ in routes({})}))


def consumed_contexts() -> tuple[str, ...]:
    """Return those whose messages we take in: dead letters we only write."""
    return tuple(context for context in contexts() if not context.endswith(f".{DEAD_LETTER_SUFFIX}"))


def kit_request(message: Message) -> AllocationRequest | None:
    """Return what a fee wants of the stores: a kit where its schedule has one, now or as soon as there is one."""
    event = msgspec.json.decode(message.body, type=FeeSubmitted)
    if event.kit is None:
        return None
    demand = AllocationDemand(order=event.reference, sku=event.kit, quantity=1, wait=True, once=True)
    with tracing(message.trace):
        return AllocationRequest(demand, RequestContext(arrived=message.at))


def facts(event: FeeSubmitted) -> dict[str, object]:
    """Return what a letter about a submission says."""
    pay_by = event.pay_by and event.pay_by.astimezone(ZoneInfo(event.zone)).strftime("%d %b %Y, %H:%M %Z")
    return {
        "reference": event.reference,
        "schedule_title": event.schedule_title,
        "total": readable(event.total),
        "pay_by": pay_by,
        "lines": [{"why": line.why, "amount": readable(line.amount)} for line in event.lines],
    }


def readable(amount: Money) -> str:
    """Return an amount as people write it: `₹1,500.00`."""
    sign = "₹" if amount.currency == "INR" else f"{amount.currency} "
    whole, minor = divmod(abs(amount.minor), 100)
    return f"{'-' if amount.minor < 0 else ''}{sign}{whole:,}.{minor:02}"
