"""The errors of the inventory context."""

from typing import Self

from core.kernel.errors import Conflict, Invalid, NotFound, Unprocessable


class InvalidQuantity(Invalid):
    """A quantity is outside the range that a batch or an order line can have."""

    problem = "invalid-quantity"


class ArrivalInThePast(Unprocessable):
    """The arrival of a batch is before the current day."""

    problem = "arrival-in-the-past"


class HoldInThePast(Unprocessable):
    """A hold ends at or before the moment at which it was requested."""

    problem = "hold-in-the-past"


class UnknownSku(NotFound):
    """No batch or backorder of this sku was ever created."""

    problem = "unknown-sku"

    @classmethod
    def named(cls, name: str, *, at: str | None = None, hint: str = "") -> Self:
        """Return the error for a sku, with a hint at the end of its text."""
        return cls(f"there is no sku {name[:64]}: no batch of it was created{hint}", at=at)


class UnknownBatch(NotFound):
    """No batch has this reference."""

    problem = "unknown-batch"

    @classmethod
    def named(cls, reference: str, *, hint: str = "") -> Self:
        """Return the error for a batch, with a hint at the end of its text."""
        return cls(f"there is no batch {reference[:64]}{hint}")


class UnknownOrderLine(NotFound):
    """The order has no active line of this sku."""

    problem = "unknown-order-line"


class UnknownOrder(NotFound):
    """The order never had a line."""

    problem = "unknown-order"


class BatchAlreadyCreated(Conflict):
    """A batch of this reference exists."""

    problem = "batch-already-created"

    @classmethod
    def named(cls, reference: str, sku: str | None = None) -> Self:
        """Return the error for a batch, and for the sku that it belongs to where that is known."""
        if sku is None:
            return cls(f"there is a batch {reference}")
        return cls(f"there is a batch {reference}, of {sku}", facts={"sku": sku})


class OutOfStock(Conflict):
    """The available batches cannot supply the line."""

    problem = "out-of-stock"


class LineAlreadyAllocated(Conflict):
    """The order has a line of this sku with another quantity."""

    problem = "line-already-allocated"


class LineWaits(Conflict):
    """The line is a backorder and cannot be shipped."""

    problem = "line-waits"


class AlreadyShipped(Conflict):
    """The line was shipped and cannot be changed."""

    problem = "already-shipped"


class QuantityBelowShipped(Conflict):
    """The new quantity of a batch is below the quantity that was shipped from it."""

    problem = "quantity-below-shipped"


class TooManyLines(Conflict):
    """A reduction would deallocate more lines than one transaction may change."""

    problem = "too-many-lines"


class ChangedMeanwhile(Conflict):
    """A concurrent transaction committed the same change first."""

    problem = "changed-meanwhile"

    @classmethod
    def sku_created(cls, name: str) -> Self:
        """Return the error for a sku that a concurrent transaction created."""
        return cls(f"a concurrent request created sku {name}: try again")
