"""The use cases of the receipts context."""

from dataclasses import dataclass

from core.receipts.issue_receipts import IssueReceipts
from core.receipts.list_receipts import ListReceipts
from core.receipts.print_receipt import PrintReceipt
from core.receipts.show_receipt import ShowReceipt
from core.receipts.verify_receipt import VerifyReceipt
from core.receipts.void_receipt import VoidReceipt
from core.receipts.void_receipts import VoidReceipts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsUseCases:
    """Receipts: issued, shown, printed, verified and made void."""

    issue_receipts: IssueReceipts
    void_receipts: VoidReceipts
    void_receipt: VoidReceipt
    show_receipt: ShowReceipt
    list_receipts: ListReceipts
    print_receipt: PrintReceipt
    verify_receipt: VerifyReceipt
