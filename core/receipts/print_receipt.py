"""Print a receipt."""

from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.receipts.ports import IssuedReceipts, Payers, ReceiptDocuments
from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.show_receipt import reachable_receipt

LANGUAGES = ("en", "hi")
"""Receipts of students with another language are in the first."""


@requires(Permission.RECEIPTS_READ)
@dataclass(frozen=True, slots=True)
class PrintReceipt:
    """Print a receipt in the language of its student, with a code that leads to its verification page."""

    issued_receipts: IssuedReceipts
    payers: Payers
    documents: ReceiptDocuments
    public_url: str

    async def __call__(self, number: str) -> bytes:
        """Return a PDF; raise `UnknownReceipt`, also outside the own reach, or `UnprintableReceipt`."""
        receipt = await reachable_receipt(self.issued_receipts, self.payers, number)
        payer = await self.payers.find(receipt.student)
        language = payer.language if payer and payer.language in LANGUAGES else LANGUAGES[0]
        url = f"{self.public_url}/v1/receipts/verify/{receipt.code}" if self.public_url else ""
        printed = PrintedReceipt.of(receipt, payer, language)
        return await self.documents.render(printed, language, receipt.issued_at, url)
