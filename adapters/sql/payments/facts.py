"""What the payments context stores and the ledger posts."""

from collections.abc import Sequence

from sqlalchemy import true

from adapters.sql.ledger.books import Fact
from adapters.sql.payments.tables import payments, refunds
from core.ledger.transaction import TransactionKind
from core.payments.payment import RefundStage


def posted_facts() -> Sequence[Fact]:
    """Return payments, and what went back of them."""
    returned, settled = [TransactionKind.REFUND, TransactionKind.REVERSAL], refunds.c.stage == RefundStage.SETTLED
    return (
        Fact("payment", payments.c.id, payments.c.amount_minor, [TransactionKind.PAYMENT], -1, true()),
        Fact("refund", refunds.c.id, refunds.c.amount_minor, returned, 1, settled),
    )
