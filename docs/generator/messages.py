"""Topics, commands and events, from the table of routes and the types of the core."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from core.fees.submit_exam_fee import ExamFeeSubmission
from core.inventory.create_batch import Purchase
from core.inventory.order_line import AllocationDemand
from core.inventory.ship_order import Shipment
from core.kernel.events import Event
from core.messaging.message import is_own_context, topic_of
from core.policies.when_goods_received import GoodsDispatched, GoodsReceived, StockCounted
from docs.generator.markdown import code, summary, table, type_text
from entrypoints.http.schemas import field_docs
from entrypoints.messages import inventory, payments
from entrypoints.routes import ROUTES

COMMAND_BODIES: Mapping[str, type] = {
    "SubmitExamFee": ExamFeeSubmission,
    "CreateBatch": Purchase,
    "Allocate": AllocationDemand,
    "Deallocate": inventory.DeallocateCommand,
    "ChangeBatchQuantity": inventory.ChangeBatchQuantityCommand,
    "ChangeArrival": inventory.ChangeArrivalCommand,
    "CancelOrder": inventory.CancelOrderCommand,
    "ShipOrder": Shipment,
    "TakeCounterPayment": payments.TakeCounterPaymentCommand,
    "GoodsReceived": GoodsReceived,
    "StockCounted": StockCounted,
    "GoodsDispatched": GoodsDispatched,
}
"""The body of each message that other programs send."""
HEADS = ("field", "type", "default", "meaning")


def topics() -> str:
    """Return which program writes to which topic, and which message types it carries."""
    rows = []
    for context in ROUTES.contexts:
        types = [kind for origin, kind in ROUTES.table if origin == context] or ["MessageBuried"]
        author = "Bursar" if is_own_context(context) or context.endswith("dead-letters") else "other programs"
        rows.append((code(topic_of(context)), author, ", ".join(code(each) for each in types)))
    return table(("topic", "written by", "message types"), rows)


def commands() -> str:
    """Return the body of each message that other programs send."""
    foreign = [(context, kind) for context, kind in ROUTES.table if not _is_written_here(context)]
    return "\n\n".join(
        f"### {kind}\n\nTopic `{topic_of(context)}`. {summary(COMMAND_BODIES[kind])}\n\n"
        f"{fields_table(COMMAND_BODIES[kind])}"
        for context, kind in foreign
    )


def events() -> str:
    """Return the body of each event, without the fields that all events have."""
    common = {each.name for each in fields(Event)}
    return "\n\n".join(
        f"### {name}\n\n{summary(kind)}\n\n{fields_table(kind, skipped=common)}" for name, kind in _events().items()
    )


def nested_types() -> str:
    """Return the fields of the types that bodies contain."""
    found: dict[str, type] = {}
    for kind in (*COMMAND_BODIES.values(), *_events().values()):
        for nested in _nested(kind):
            found.setdefault(nested.__name__, nested)
    return "\n\n".join(f"### {name}\n\n{summary(found[name])}\n\n{fields_table(found[name])}" for name in sorted(found))


def fields_table(kind: Any, skipped: Collection[str] = ()) -> str:
    """Return the fields of a dataclass, except for `skipped` names."""
    hints, docs = get_type_hints(kind), field_docs(kind)
    rows = [
        (code(each.name), type_text(hints[each.name]), _default(each), docs.get(each.name, ""))
        for each in fields(kind)
        if each.init and each.name not in skipped
    ]
    return table(HEADS, rows)


def _default(each: Field[Any]) -> str:
    # A field that implements an abstract property of a parent has this property as its default.
    if isinstance(each.default, property) or (each.default is MISSING and each.default_factory is MISSING):
        return "required"
    if each.default is None:
        return "none"
    if isinstance(each.default, bool):
        return code(str(each.default).lower())
    return (isinstance(each.default, int | str) and code(str(each.default))) or "empty"


def _is_written_here(context: str) -> bool:
    return is_own_context(context) or context.endswith("dead-letters")


def _events(root: type[Event] = Event) -> dict[str, type[Event]]:
    found = {each.MESSAGE_TYPE: each for each in _descendants(root) if "MESSAGE_TYPE" in vars(each)}
    return dict(sorted(found.items()))


def _descendants(root: type[Event]) -> Iterator[type[Event]]:
    for child in root.__subclasses__():
        if child.__module__.startswith("core."):
            yield child
        yield from _descendants(child)


def _nested(kind: type) -> Iterator[type]:
    for hint in get_type_hints(kind).values():
        for each in _leaves(hint):
            if is_dataclass(each) and isinstance(each, type):
                yield each
                yield from _nested(each)


def _leaves(hint: Any) -> Iterator[Any]:
    arguments = get_args(hint)
    if not arguments:
        yield hint
    for each in arguments:
        yield from _leaves(each)
