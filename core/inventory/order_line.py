"""An order line: so many pieces of one sku for one order, and where they come from."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from core.inventory.errors import HoldInThePast
from core.inventory.names import check_name, check_quantity
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from core.kernel.period import MAX_MOMENT, MIN_MOMENT

MAX_PRIORITY = 9


class LineState(StrEnum):
    """Where an order line stands."""

    ALLOCATED = "allocated"
    WAITING = "waiting"
    SHIPPED = "shipped"
    DEALLOCATED = "deallocated"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE_STATES = (LineState.ALLOCATED, LineState.WAITING, LineState.SHIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationDemand:
    """Somebody wants pieces of a sku for an order."""

    order: str
    sku: str
    quantity: int
    split: bool = False
    """Whether the pieces may come from several batches."""
    wait: bool = False
    """Whether to wait for stock where there is none; then the sku need not have been bought before."""
    priority: int = 5
    """0 to 9: of two lines of a batch that becomes smaller, the one of the higher number gives its pieces up first."""
    hold_until: datetime | None = None
    """When the pieces return to stock unless they have been shipped; None: never."""
    once: bool = False
    """Whether a line that the order once had stays as it is, whatever became of it."""

    def __post_init__(self) -> None:
        check_name("order", self.order)
        check_name("sku", self.sku)
        check_quantity(self.quantity)
        if not 0 <= self.priority <= MAX_PRIORITY:
            raise Invalid(f"a priority is 0 to {MAX_PRIORITY}", at="$.priority")
        if self.hold_until is not None and self.hold_until.tzinfo is None:
            raise Invalid("`hold_until` has no time zone: write 2026-11-20T00:00:00Z", at="$.hold_until")
        if self.hold_until is not None and not MIN_MOMENT <= self.hold_until <= MAX_MOMENT:
            raise Invalid("`hold_until` is between the years 1970 and 9999", at="$.hold_until")


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """A wish as it reached us."""

    demand: AllocationDemand
    request: RequestContext

    def check_hold_until(self) -> None:
        """Raise `HoldInThePast` unless a reservation ends after it was asked for."""
        until = self.demand.hold_until
        if until is not None and until <= self.request.arrived:
            raise HoldInThePast(f"the hold would have ended at {until:%Y-%m-%d %H:%M:%S%z}", at="$.hold_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPart:
    """Pieces of a line that come from one batch."""

    batch: str
    quantity: int
    eta: date | None
    """When the batch was to arrive as the pieces were allocated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A batch that would have been preferred, and why it was not taken."""

    batch: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of one order; what it gets it gets whole."""

    order: str
    sku: str
    quantity: int
    split: bool
    priority: int
    place: int
    """In the queue: given when it was asked for, and kept for as long as it lives."""
    state: LineState
    hold_until: datetime | None
    asked_at: datetime
    parts: tuple[AllocationPart, ...] = ()
    why: str = ""
    """Why these batches, or why none."""
    passed_over: tuple[PassedOver, ...] = ()
    """The first few batches that were looked at before, and were not taken."""
    version: int
    """The sku's version when the line became so: a token to read one's own write by."""

    @classmethod
    def asked(cls, demand: AllocationDemand, place: int, at: datetime) -> Self:
        """Return a new line, which waits."""
        return cls(
            order=demand.order,
            sku=demand.sku,
            quantity=demand.quantity,
            split=demand.split,
            priority=demand.priority,
            place=place,
            state=LineState.WAITING,
            hold_until=demand.hold_until,
            asked_at=at,
            version=0,
        )

    @property
    def lives(self) -> bool:
        """Tell whether somebody still counts on it."""
        return self.state in ACTIVE_STATES
