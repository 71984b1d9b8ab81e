"""What the payments context stores and the ledger posts."""

from collections.abc import Sequence

from sqlalchemy import true

from adapters.sql.ledger.books import Fact
from adapters.sql.payments.tables import adjustments, fines, payments, refunds, waivers
from core.ledger.transaction import TransactionKind
from core.payments.adjustment import AdjustmentState
from core.payments.payment import RefundStage
from core.payments.waiver import WaiverState


def posted_facts() -> Sequence[Fact]:
    """Return payments and what went back of them, adjustments, waivers and fines, and what was taken back of those."""
    returned, settled = [TransactionKind.REFUND, TransactionKind.REVERSAL], refunds.c.stage == RefundStage.SETTLED
    waived = [WaiverState.APPROVED, WaiverState.RETRACTED]
    approved = adjustments.c.state == AdjustmentState.APPROVED
    retracted, withdrawn = waivers.c.state == WaiverState.RETRACTED, fines.c.withdrawn_at.is_not(None)
    return (
        Fact("adjustment", adjustments.c.id, adjustments.c.amount_minor, [TransactionKind.ADJUSTMENT], 1, approved),
        Fact("payment", payments.c.id, payments.c.amount_minor, [TransactionKind.PAYMENT], -1, true()),
        Fact("waiver", waivers.c.id, waivers.c.amount_minor, [TransactionKind.WAIVER], -1, waivers.c.state.in_(waived)),
        Fact("retraction", waivers.c.id, waivers.c.amount_minor, [TransactionKind.RETRACTION], 1, retracted),
        Fact("fine", fines.c.id, fines.c.amount_minor, [TransactionKind.FINE], 1, true()),
        Fact("withdrawal", fines.c.id, fines.c.amount_minor, [TransactionKind.WITHDRAWAL], -1, withdrawn),
        Fact("refund", refunds.c.id, refunds.c.amount_minor, returned, 1, settled),
    )
