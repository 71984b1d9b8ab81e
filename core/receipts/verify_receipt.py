"""Verify a receipt."""

from dataclasses import dataclass

from core.kernel.authorization import open_to_all
from core.receipts.ports import IssuedReceipts, Payers
from core.receipts.print_receipt import LANGUAGES
from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.receipt import CODE, UnknownReceipt


@open_to_all
@dataclass(frozen=True, slots=True)
class VerifyReceipt:
    """Show what the paper of a receipt says, with the name and the registration masked; its code is on the paper."""

    issued_receipts: IssuedReceipts
    payers: Payers

    async def __call__(self, code: str) -> PrintedReceipt:
        """Return the texts; raise `UnknownReceipt`."""
        receipt = await self.issued_receipts.by_code(code) if CODE.admits(code) else None
        if receipt is None:
            raise UnknownReceipt("no receipt has this code")
        return PrintedReceipt.of(receipt, await self.payers.find(receipt.student), LANGUAGES[0]).masked()
