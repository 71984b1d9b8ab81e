"""When a fee account changes, the ledger is posted: each event is one transaction about its submission."""

from collections.abc import Sequence
from typing import TypeAlias
from uuid import UUID

from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.charge import ChangedHead, adjust
from core.ledger.transaction import LedgerTransaction, Posting, TransactionKind
from core.messaging.message import Received
from core.payments.events import (
    FeeAdjusted,
    FeeFined,
    FeeWaived,
    FineWithdrawn,
    PaymentCaptured,
    PaymentRestored,
    PaymentReversed,
    RefundSettled,
    WaiverRetracted,
)
from core.use_cases import UseCases

MovedAmount: TypeAlias = (
    PaymentCaptured
    | RefundSettled
    | PaymentReversed
    | PaymentRestored
    | FeeFined
    | FineWithdrawn
    | FeeWaived
    | WaiverRetracted
)
"""The events that move one amount."""
PostedEvent: TypeAlias = MovedAmount | FeeAdjusted


async def when_fee_account_changed(changed: Sequence[Received[PostedEvent]], use_cases: UseCases) -> None:
    """Post all transactions; a repeated event is posted already."""
    await use_cases.ledger.post_transactions([transaction_of(each.body) for each in changed])


def transaction_of(event: PostedEvent) -> LedgerTransaction:
    """Return the transaction of an event."""
    if isinstance(event, FeeAdjusted):
        return adjustment(event)
    kind, cause, other, owes_more = effect_of(event)
    candidate = LedgerAccount(AccountKind.CANDIDATE, str(event.student))
    debit, credit = (candidate, other) if owes_more else (other, candidate)
    return LedgerTransaction(
        kind=kind,
        cause=cause,
        about=event.fee,
        at=event.paid_at if isinstance(event, PaymentCaptured) else event.at,
        postings=(Posting(debit, credit, event.amount),),
    )


def adjustment(event: FeeAdjusted) -> LedgerTransaction:
    """Return the transaction of a changed charge: a posting for each head."""
    heads = [ChangedHead(each.head, each.added, each.is_concession) for each in event.heads]
    return LedgerTransaction(
        kind=TransactionKind.ADJUSTMENT,
        cause=event.adjustment,
        about=event.fee,
        at=event.at,
        postings=adjust(event.student, heads),
    )


def effect_of(event: MovedAmount) -> tuple[TransactionKind, UUID, LedgerAccount, bool]:
    """Return the kind and the id of the fact, the account beside the candidate's, and if the candidate owes more."""
    match event:
        case PaymentCaptured():
            return TransactionKind.PAYMENT, event.payment, clearing(event.gateway), False
        case PaymentRestored():
            return TransactionKind.RESTORATION, event.refund, clearing(event.gateway), False
        case RefundSettled():
            return TransactionKind.REFUND, event.refund, clearing(event.gateway), True
        case PaymentReversed():
            return TransactionKind.REVERSAL, event.refund, clearing(event.gateway), True
        case FeeFined():
            return TransactionKind.FINE, event.fine, LedgerAccount(AccountKind.INCOME, event.head), True
        case FineWithdrawn():
            return TransactionKind.WITHDRAWAL, event.fine, LedgerAccount(AccountKind.INCOME, event.head), False
        case FeeWaived():
            return TransactionKind.WAIVER, event.waiver, LedgerAccount(AccountKind.WAIVER, event.head), False
        case WaiverRetracted():
            return TransactionKind.RETRACTION, event.waiver, LedgerAccount(AccountKind.WAIVER, event.head), True


def clearing(gateway: str) -> LedgerAccount:
    """Return the account of what a gateway has collected."""
    return LedgerAccount(AccountKind.CLEARING, gateway)
