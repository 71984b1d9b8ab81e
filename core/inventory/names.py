"""The rules for names of skus, batches and orders, and for quantities."""

import re

from core.inventory.errors import InvalidQuantity
from core.kernel.errors import Invalid

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
MAX_PIECES_PER_QUANTITY = 1_000_000


def check_name(field: str, text: str) -> None:
    """Raise `Invalid` unless a text is a valid name of a sku, a batch or an order."""
    if not NAME_PATTERN.fullmatch(text):
        rule = "1 to 64 letters, digits, dots, colons, hyphens or underscores, the first a letter or digit"
        raise Invalid(f"`{field}` is {rule}", at=f"$.{field}")


def check_quantity(quantity: int, least: int = 1) -> None:
    """Raise `InvalidQuantity` unless a quantity is from `least` to the maximum."""
    if not least <= quantity <= MAX_PIECES_PER_QUANTITY:
        raise InvalidQuantity(f"a quantity is {least} to {MAX_PIECES_PER_QUANTITY:,} pieces", at="$.quantity")
