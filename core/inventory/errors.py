"""What can go wrong in the stores."""

from core.kernel.errors import Conflict, Invalid, NotFound


class InvalidQuantity(Invalid):
    """A quantity is no whole number of pieces that can be stocked."""

    problem = "invalid-quantity"


class ArrivalInThePast(Invalid):
    """Goods that have arrived are announced without an arrival."""

    problem = "arrival-in-the-past"


class HoldInThePast(Invalid):
    """A reservation cannot end before it begins."""

    problem = "hold-in-the-past"


class UnknownSku(NotFound):
    """Nothing of this sku was ever bought."""

    problem = "unknown-sku"


class UnknownBatch(NotFound):
    """There is no batch of this reference."""

    problem = "unknown-batch"


class UnknownOrderLine(NotFound):
    """The order has no such line, or has it no longer."""

    problem = "unknown-order-line"


class UnknownOrder(NotFound):
    """Nothing was ever asked for by this order."""

    problem = "unknown-order"


class BatchAlreadyCreated(Conflict):
    """There is a batch of this reference."""

    problem = "batch-already-created"


class OutOfStock(Conflict):
    """No batch has enough left."""

    problem = "out-of-stock"


class LineAlreadyAllocated(Conflict):
    """The order has a line of this sku, of another quantity."""

    problem = "line-already-allocated"


class LineWaits(Conflict):
    """The line waits for stock, and cannot be shipped."""

    problem = "line-waits"


class AlreadyShipped(Conflict):
    """The line has left the stores."""

    problem = "already-shipped"


class QuantityBelowShipped(Conflict):
    """More of the batch has left the stores than it should have had."""

    problem = "quantity-below-shipped"


class TooManyLines(Conflict):
    """More lines would have to give up their stock than can do so at once."""

    problem = "too-many-lines"


class ChangedMeanwhile(Conflict):
    """Somebody else changed the same thing at the same moment."""

    problem = "changed-meanwhile"
