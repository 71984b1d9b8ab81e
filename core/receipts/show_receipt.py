"""Show a receipt."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, current_principal, requires
from core.receipts.ports import IssuedReceipts, Payers
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, UnknownReceipt


@requires(Permission.RECEIPTS_READ)
@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Show the facts of a receipt."""

    issued_receipts: IssuedReceipts
    payers: Payers

    async def __call__(self, number: str) -> IssuedReceipt:
        """Return the receipt of this number; raise `UnknownReceipt`, also outside the own reach."""
        return await reachable_receipt(self.issued_receipts, self.payers, number)


async def reachable_receipt(receipts: IssuedReceipts, payers: Payers, number: str) -> IssuedReceipt:
    """Return the receipt of this number; raise `UnknownReceipt`, also outside the own reach."""
    found = await found_by_number(receipts, number)
    if not await is_reached(found, payers):
        raise UnknownReceipt(f"there is no receipt {number}")
    return found


async def is_reached(receipt: IssuedReceipt, payers: Payers) -> bool:
    """Tell whether a receipt exists for the current principal; a clerk does not reach that of an erased student."""
    if not (principal := current_principal.get()).is_scoped:
        return True
    payer = await payers.find(receipt.student)
    return principal.reaches(receipt.student, payer.centre if payer else "")


async def found_by_number(receipts: IssuedReceipts, number: str) -> IssuedReceipt:
    """Return the receipt of this number, or raise `UnknownReceipt`."""
    if (found := await receipts.by_number(ReceiptNumber.parse(number))) is None:
        raise UnknownReceipt(f"there is no receipt {number}")
    return found
