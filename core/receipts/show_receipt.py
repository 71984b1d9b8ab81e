"""Show a receipt."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.receipts.ports import IssuedReceipts
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, UnknownReceipt


@requires(Permission.RECEIPTS_READ)
@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Show the facts of a receipt."""

    issued_receipts: IssuedReceipts

    async def __call__(self, number: str) -> IssuedReceipt:
        """Return the receipt of this number, or raise `UnknownReceipt`."""
        return await found_by_number(self.issued_receipts, number)


async def found_by_number(receipts: IssuedReceipts, number: str) -> IssuedReceipt:
    """Return the receipt of this number, or raise `UnknownReceipt`."""
    if (found := await receipts.by_number(ReceiptNumber.parse(number))) is None:
        raise UnknownReceipt(f"there is no receipt {number}")
    return found
