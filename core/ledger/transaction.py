"""Transactions of the ledger: postings, each of which debits one account and credits another."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.kernel.currencies import check_currency
from core.kernel.errors import Conflict, Invalid
from core.kernel.money import Money
from core.ledger.account import LedgerAccount

MAX_POSTINGS = 1_000
"""More than a fee schedule can charge."""


class TransactionKind(StrEnum):
    """Why amounts move."""

    CHARGE = "charge"
    """A fee was submitted; the candidate owes it."""
    PAYMENT = "payment"
    REFUND = "refund"
    REVERSAL = "reversal"
    """The bank of the payer took a payment back."""
    RESTORATION = "restoration"
    """A refund or reversal came back to the office."""
    FINE = "fine"
    WITHDRAWAL = "withdrawal"
    """A fine was taken back."""
    WAIVER = "waiver"
    RETRACTION = "retraction"
    """A waiver was taken back."""
    ADJUSTMENT = "adjustment"
    """A corrected tariff changed what was charged."""
    SETTLEMENT = "settlement"
    """A gateway has transferred what it collected to the bank."""


CHARGED = frozenset({TransactionKind.CHARGE, TransactionKind.ADJUSTMENT})
FINED = frozenset({TransactionKind.FINE, TransactionKind.WITHDRAWAL})
WAIVED = frozenset({TransactionKind.WAIVER, TransactionKind.RETRACTION})
DEBTS = CHARGED | FINED | WAIVED
"""What changes the debt of a fee without a payment."""
RECEIPTED = frozenset({TransactionKind.PAYMENT, TransactionKind.RESTORATION})
"""What a receipt is issued for; its payment is the cause."""


class TransactionKey(NamedTuple):
    """What a transaction records: one fact is posted once."""

    cause: UUID
    """The id of the fact: the submission that is charged, the payment, the refund."""
    kind: TransactionKind


class PostedDifferently(Conflict):
    """The fact is posted already, with other postings; a transaction is corrected by its reversal."""

    problem = "posted-differently"


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount that is added to one account and taken from another, so that every transaction sums to zero."""

    debit: LedgerAccount
    credit: LedgerAccount
    amount: Money

    def __post_init__(self) -> None:
        if self.debit == self.credit:
            raise Invalid("a posting is between two accounts", at="$.credit")
        if self.amount.minor <= 0:
            raise Invalid("the amount of a posting is positive", at="$.amount")
        check_currency(self.amount.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransaction:
    """Postings that are stored together and never change."""

    kind: TransactionKind
    cause: UUID
    about: UUID
    """The submission."""
    at: datetime
    """When it happened; the day of every report."""
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.postings) <= MAX_POSTINGS:
            raise Invalid(f"a transaction has from 1 to {MAX_POSTINGS} postings", at="$.postings")
        if len({each.amount.currency for each in self.postings}) > 1:
            raise Invalid("a transaction has one currency", at="$.postings")

    @property
    def key(self) -> TransactionKey:
        """Return what it records."""
        return TransactionKey(self.cause, self.kind)

    @property
    def currency(self) -> str:
        """Return the currency of its postings."""
        return self.postings[0].amount.currency

    @property
    def posted_minor(self) -> int:
        """Return the sum of its amounts, which a lost or altered posting changes."""
        return sum(each.amount.minor for each in self.postings)

    def effect_on(self, account: LedgerAccount) -> Money:
        """Return what it adds to the balance of an account."""
        added = sum(each.amount.minor for each in self.postings if each.debit == account)
        taken = sum(each.amount.minor for each in self.postings if each.credit == account)
        return Money(added - taken, self.currency)
