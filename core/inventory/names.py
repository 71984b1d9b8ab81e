"""The rules for names of skus, batches and orders, and for quantities."""

from typing import Annotated, TypeAlias

from core.inventory.errors import InvalidQuantity
from core.kernel.constraints import Text, Whole

NAME = Text(
    "1 to 64 letters, digits, dots, colons, hyphens or underscores, the first a letter or digit",
    r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}",
)
Name: TypeAlias = Annotated[str, NAME]
"""The name of a sku, a batch or an order."""
MAX_PIECES_PER_QUANTITY = 1_000_000
Quantity: TypeAlias = Annotated[int, Whole(1, MAX_PIECES_PER_QUANTITY)]
BatchQuantity: TypeAlias = Annotated[int, Whole(0, MAX_PIECES_PER_QUANTITY)]
"""A batch can be reduced to nothing."""


def check_name(field: str, text: str) -> None:
    """Raise `Invalid` unless a text is a valid name of a sku, a batch or an order."""
    NAME.check(field, text)


def check_quantity(quantity: int, least: int = 1) -> None:
    """Raise `InvalidQuantity` unless a quantity is from `least` to the maximum."""
    if not Whole(least, MAX_PIECES_PER_QUANTITY).admits(quantity):
        raise InvalidQuantity(f"a quantity is {least} to {MAX_PIECES_PER_QUANTITY:,} pieces", at="$.quantity")
