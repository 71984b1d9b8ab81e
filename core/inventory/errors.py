"""What can go wrong in the stores."""

from core.shared.errors import Conflict, Invalid, NotFound


class InvalidQuantity(Invalid):
    """A quantity is no whole number of pieces that can be stocked."""


class ArrivalInThePast(Invalid):
    """Goods that have arrived are announced without an arrival."""


class HoldInThePast(Invalid):
    """A reservation cannot end before it begins."""


class UnknownSku(NotFound):
    """Nothing of this sku was ever bought."""


class UnknownBatch(NotFound):
    """There is no batch of this reference."""


class UnknownOrderLine(NotFound):
    """The order has no such line, or has it no longer."""


class UnknownOrder(NotFound):
    """Nothing was ever asked for by this order."""


class BatchAlreadyCreated(Conflict):
    """There is a batch of this reference."""


class OutOfStock(Conflict):
    """No batch has enough left."""


class LineAlreadyAllocated(Conflict):
    """The order has a line of this sku, of another quantity."""


class LineWaits(Conflict):
    """The line waits for stock, and cannot be shipped."""


class AlreadyShipped(Conflict):
    """The line has left the stores."""


class QuantityBelowShipped(Conflict):
    """More of the batch has left the stores than it should have had."""


class TooManyLines(Conflict):
    """More lines would have to give up their stock than can do so at once."""


class ChangedMeanwhile(Conflict):
    """Somebody else changed the same thing at the same moment."""
