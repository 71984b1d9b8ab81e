"""The charge of a submitted fee."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.transaction import LedgerTransaction, Posting, TransactionKind


@dataclass(frozen=True, slots=True)
class ChargedHead:
    """An amount for one head, negative for a concession."""

    head: str
    amount: Money


def charge(submission: UUID, student: UUID, heads: Sequence[ChargedHead], at: datetime) -> LedgerTransaction | None:
    """Return the transaction that charges a student; None where every amount is zero."""
    candidate = LedgerAccount(AccountKind.CANDIDATE, str(student))
    postings = tuple(posting(candidate, each) for each in heads if each.amount.minor)
    if not postings:
        return None
    return LedgerTransaction(kind=TransactionKind.CHARGE, cause=submission, about=submission, at=at, postings=postings)


def posting(candidate: LedgerAccount, charged: ChargedHead) -> Posting:
    """Return the posting of one head."""
    if charged.amount.minor > 0:
        return Posting(candidate, LedgerAccount(AccountKind.INCOME, charged.head), charged.amount)
    return Posting(LedgerAccount(AccountKind.CONCESSION, charged.head), candidate, -charged.amount)


@dataclass(frozen=True, slots=True)
class ChangedHead:
    """An amount that a candidate owes more for one head, negative: less."""

    head: str
    added: Money
    is_concession: bool
    """Whether more or less is taken off, instead of charged."""


def adjust(student: UUID, heads: Sequence[ChangedHead]) -> tuple[Posting, ...]:
    """Return the postings that change a charge."""
    candidate = LedgerAccount(AccountKind.CANDIDATE, str(student))
    return tuple(change(candidate, each) for each in heads)


def change(candidate: LedgerAccount, changed: ChangedHead) -> Posting:
    """Return the posting of one changed head."""
    other = LedgerAccount(AccountKind.CONCESSION if changed.is_concession else AccountKind.INCOME, changed.head)
    if changed.added.minor > 0:
        return Posting(candidate, other, changed.added)
    return Posting(other, candidate, -changed.added)
