"""What can be asked: each field calls the use case that answers the same over the HTTP API, with its permissions."""

from collections.abc import Awaitable
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import Info

from core.fees.exam_fee import ExamFee, TimelineEntry
from core.fees.names import Name as ScheduleName
from core.fees.submission import Submission, SubmissionId
from core.inventory.freshness import Freshness
from core.inventory.names import Name
from core.inventory.show_allocations import OrderAllocations
from core.inventory.show_availability import Availability
from core.inventory.stock_level import StockLevel
from core.kernel.errors import NotFound
from core.kernel.period import Moment
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliverySummary
from core.payments.list_clearance import Clearance
from core.payments.show_payments import FeePayments
from core.receipts.receipt import IssuedReceipt, ReceiptNumberText, SeriesText, YearText
from core.receipts.receipt_search import ReceiptPage, ReceiptSearch
from core.students.student import Student
from core.use_cases import UseCases
from entrypoints.http.graphql.arguments import argument, page_size
from entrypoints.http.graphql.pages import After, First, Pages
from entrypoints.http.graphql.types import CONFIG, linked, type_of
from entrypoints.http.query_parameters import DEFAULT_LIMIT, period

T = TypeVar("T")
Asked = Info[UseCases, None]
ANY_FRESHNESS = Freshness(at_least=None, seconds=None)


async def known(asked: Awaitable[T]) -> T | None:
    """Return what a link leads to; None where the caller reaches nothing."""
    try:
        return await asked
    except NotFound:
        return None


async def timeline(root: strawberry.Parent[Any], info: Asked) -> Any:
    """Return what happened to the fee, the oldest first."""
    return root.timeline if isinstance(root, ExamFee) else (await fee_of(root.id, info)).timeline


async def payments(root: strawberry.Parent[Any], info: Asked) -> Any:
    """Return what it costs, what was paid, and what is owed."""
    return await known(info.context.payments.show_payments(str(root.id)))


async def receipts_of(root: strawberry.Parent[Any], info: Asked) -> Any:
    """Return the receipts of its payments, the newest first."""
    return await info.context.receipts.list_receipts(ReceiptSearch(submission=root.id))


async def fee(root: strawberry.Parent[Any], info: Asked) -> Any:
    """Return the exam fee; null where it is about something else, or about a fee that the caller does not reach."""
    return await known(fee_of(root.about if isinstance(root, DeliverySummary) else root.fee, info))


async def fee_of(submission: UUID, info: Asked) -> ExamFee:
    """Return an exam fee; concurrent calls share the queries."""
    return await info.context.fees.show_exam_fee(str(submission))


def answered_by(resolver: Any, kind: Any) -> Any:
    """Return a field with the first sentence of its resolver as documentation."""
    text = resolver.__doc__.removeprefix("Return ").rstrip(".")
    return strawberry.field(resolver, graphql_type=kind, description=f"{text[0].upper()}{text[1:]}.")


RECEIPT = linked(IssuedReceipt, {}, "Receipt")
EXAM_FEE = linked(
    Submission,
    {
        "timeline": answered_by(timeline, list[type_of(TimelineEntry)]),  # type: ignore[misc]
        "payments": answered_by(payments, type_of(FeePayments) | None),
        "receipts": answered_by(receipts_of, list[RECEIPT]),  # type: ignore[valid-type]
    },
    "ExamFee",
)
EXAM_FEES = Pages.of(EXAM_FEE, lambda each: each.id)
CLEARANCES = Pages.of(linked(Clearance, {"exam_fee": answered_by(fee, EXAM_FEE | None)}), lambda each: each.fee)
DELIVERY = linked(DeliverySummary, {"exam_fee": answered_by(fee, EXAM_FEE | None)}, "Delivery")
DELIVERIES = Pages.of(DELIVERY, lambda each: DeliveryCursor(each.due_at, each.id))
RECEIPTS = Pages.of(RECEIPT, lambda each: each.number)


async def exam_fees(
    root: strawberry.Parent[Any], info: Asked, first: First = DEFAULT_LIMIT, after: After = None
) -> Any:
    """Return the exam fees of the candidate, the newest first."""
    place, limit = argument("after", after, SubmissionId), page_size(first)
    found = await info.context.fees.list_exam_fees(root.enrolment.registration, place, limit)
    return EXAM_FEES.page(found.items, found.next)


CANDIDATE = linked(Student, {"exam_fees": answered_by(exam_fees, EXAM_FEES.connection)}, "Candidate")


async def candidate(info: Asked, registration: str) -> Any:
    """Return the candidate of a registration."""
    return await info.context.students.find_student(registration)


async def exam_fee(info: Asked, name: str) -> Any:
    """Return the exam fee of an id or a reference."""
    return await info.context.fees.show_exam_fee(name)


async def clearance(info: Asked, schedule: str, first: First = DEFAULT_LIMIT, after: After = None) -> Any:
    """Return the fees of a schedule and whether they are settled, the earliest submitted first."""
    name, place = argument("schedule", schedule, ScheduleName), argument("after", after, UUID)
    found = await info.context.payments.list_clearance(name, place, page_size(first))
    return CLEARANCES.page(found.items, found.next)


async def deliveries(
    info: Asked,
    state: str = DeliveryState.UNDECIDED.value,
    channel: str | None = None,
    since: str | None = None,
    until: str | None = None,
    first: First = DEFAULT_LIMIT,
    after: After = None,
) -> Any:
    """Return the deliveries of one state, the longest due first; `since` and `until` limit when they are due."""
    search = DeliveryFilter(
        state=argument("state", state, DeliveryState),
        channel=argument("channel", channel, Channel),
        due=period(argument("since", since, Moment), argument("until", until, Moment)),
    )
    found = await info.context.notifications.list_deliveries(search, after, page_size(first))
    return DELIVERIES.page(found.items, found.next)


async def receipts(
    info: Asked,
    schedule: str | None = None,
    series: str | None = None,
    financial_year: str | None = None,
    first: First = DEFAULT_LIMIT,
    after: After = None,
) -> Any:
    """Return receipts, the newest first: of one series and year, or for a candidate the own ones."""
    search = ReceiptSearch(
        schedule=argument("schedule", schedule, ScheduleName) or "",
        series=argument("series", series, SeriesText) or "",
        year=argument("financialYear", financial_year, YearText) or "",
    )
    before, limit = argument("after", after, ReceiptNumberText), page_size(first)
    found = ReceiptPage.of(await info.context.receipts.list_receipts(search, before=before, limit=limit + 1), limit)
    return RECEIPTS.page(found.receipts, found.next)


async def availability(info: Asked, sku: str, on: date | None = None) -> Any:
    """Return the pieces of a sku that no order has, on a day and after each arrival."""
    return await info.context.inventory.show_availability(argument("sku", sku, Name), on, ANY_FRESHNESS)


async def batch(info: Asked, reference: str) -> Any:
    """Return the quantities of a batch."""
    return (await info.context.inventory.show_batch(argument("reference", reference, Name), ANY_FRESHNESS)).batch


async def order(info: Asked, order: str) -> Any:
    """Return the lines of an order and the batches that supply them."""
    return await info.context.inventory.show_allocations(argument("order", order, Name), ANY_FRESHNESS)


ANSWERS = {
    candidate: CANDIDATE,
    exam_fee: EXAM_FEE,
    clearance: CLEARANCES.connection,
    deliveries: DELIVERIES.connection,
    receipts: RECEIPTS.connection,
    availability: type_of(Availability),
    batch: type_of(StockLevel),
    order: type_of(OrderAllocations),
}
QUERY = type("Query", (), {each.__name__: answered_by(each, kind | None) for each, kind in ANSWERS.items()})


class OfficeSchema(strawberry.Schema):
    """The schema; who asks gets each error as a problem, and the log only those of the office."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Log nothing here."""


SCHEMA = OfficeSchema(strawberry.type(QUERY, description="What can be asked."), config=CONFIG)
PAGES = frozenset({"examFees", "clearance", "deliveries", "receipts"})
