"""An order line: a quantity of one sku for one order, and the batches that supply it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from core.inventory.errors import HoldInThePast
from core.inventory.names import Name, Quantity, check_name, check_quantity
from core.kernel.constraints import Whole
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Moment

MAX_PRIORITY = 9
PRIORITY = Whole(0, MAX_PRIORITY)


class LineState(StrEnum):
    """The state of an order line; a waiting line is a backorder."""

    ALLOCATED = "allocated"
    WAITING = "waiting"
    SHIPPED = "shipped"
    DEALLOCATED = "deallocated"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE_STATES = (LineState.ALLOCATED, LineState.WAITING, LineState.SHIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationDemand:
    """The input of an allocation: a quantity of one sku for one order."""

    order: Name
    sku: Name
    quantity: Quantity
    split: bool = False
    """Whether several batches may supply the line."""
    wait: bool = False
    """Whether a shortage makes the line a backorder; the sku is then created if it does not exist."""
    priority: Annotated[int, PRIORITY] = 5
    """0 to 9: a reduction of a batch deallocates lines of a higher number first."""
    hold_until: Moment | None = None
    """The end of the hold: the line expires then unless it was shipped; None: never, or as the line has it."""

    def __post_init__(self) -> None:
        check_name("order", self.order)
        check_name("sku", self.sku)
        check_quantity(self.quantity)
        if not PRIORITY.admits(self.priority):
            raise Invalid(f"`priority` must be from 0 to {MAX_PRIORITY}", at="$.priority")
        if self.hold_until is not None and self.hold_until.tzinfo is None:
            raise Invalid("`hold_until` has no time zone: write it as 2026-11-20T00:00:00Z", at="$.hold_until")
        if self.hold_until is not None and not MIN_MOMENT <= self.hold_until <= MAX_MOMENT:
            raise Invalid("`hold_until` must be between the years 1970 and 9999", at="$.hold_until")


@dataclass(frozen=True, slots=True)
class AllocationRequest:
    """A demand with the request that carried it."""

    demand: AllocationDemand
    context: RequestContext
    once: bool = False
    """Whether a line that the order ever had of the sku is returned unchanged, also when it is no longer active."""

    def check_hold_until(self) -> None:
        """Raise `HoldInThePast` unless the hold ends after the request arrived."""
        until = self.demand.hold_until
        if until is not None and until <= self.context.arrived:
            raise HoldInThePast(
                f"`hold_until` was over when the request arrived: {until:%Y-%m-%d %H:%M:%S%z}", at="$.hold_until"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPart:
    """The pieces that one batch supplies to a line."""

    batch: str
    quantity: int
    eta: date | None
    """The arrival of the batch at the time of the allocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedBatch:
    """A preferred batch that could not supply the line, and the reason."""

    batch: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of one order; it is allocated completely or not at all."""

    order: str
    sku: str
    quantity: int
    split: bool
    priority: int
    place: int
    """The position among backorders of the sku: assigned at creation, and kept until the line ends."""
    state: LineState
    hold_until: datetime | None
    asked_at: datetime
    parts: tuple[AllocationPart, ...] = ()
    why: str = ""
    """The reason for the selected batches, or for the shortage."""
    passed_over: tuple[SkippedBatch, ...] = ()
    """The first preferred batches that could not supply the line."""
    version: int
    """The sku's version after the last change of the line, which a version token contains."""

    @classmethod
    def from_demand(cls, demand: AllocationDemand, place: int, at: datetime) -> Self:
        """Return a new line in the waiting state."""
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
    def is_active(self) -> bool:
        """Return whether the line is allocated, waiting or shipped."""
        return self.state in ACTIVE_STATES
