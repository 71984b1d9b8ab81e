"""What a receipt shows, on paper and on its verification page."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from zoneinfo import ZoneInfo

from core.kernel.money import format_amount
from core.receipts.amount_in_words import amount_in_words
from core.receipts.receipt import IssuedReceipt

MASK, NOTHING = "***", "—"
SHOWN_OF_REGISTRATION = 3
"""The last characters of a registration, which tell its owner that it is the own one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Who paid, as the roster has it now."""

    name: str
    registration: str
    language: str
    centre: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedReceipt:
    """The texts of a receipt; the paper and the verification page show these and nothing else."""

    number: str
    issuer: str
    name: str
    """Of the student; a dash where the roster has none any more."""
    registration: str
    reference: str
    schedule: str
    amount: str
    words: str
    method: str
    paid_at: str
    issued_at: str
    replaces: str
    """The number of a void receipt; empty for a payment."""
    void: str
    """The moment and the reason; empty for a valid receipt."""

    @classmethod
    def of(cls, receipt: IssuedReceipt, payer: Payer | None, language: str) -> Self:
        """Return the texts of a receipt."""
        void = receipt.void
        return cls(
            number=receipt.number,
            issuer=receipt.issuer,
            name=payer.name if payer else NOTHING,
            registration=payer.registration if payer else NOTHING,
            reference=receipt.reference,
            schedule=receipt.schedule,
            amount=format_amount(receipt.amount),
            words=amount_in_words(receipt.amount, language),
            method=receipt.method or NOTHING,
            paid_at=local_moment(receipt.paid_at, receipt.zone),
            issued_at=local_moment(receipt.issued_at, receipt.zone),
            replaces=receipt.replaces,
            void=f"{local_moment(void.at, receipt.zone)}: {void.reason}" if void else "",
        )

    def masked(self) -> Self:
        """Return the same without what tells a stranger who paid."""
        if self.name == NOTHING:
            return self
        is_long = len(self.registration) > 2 * SHOWN_OF_REGISTRATION
        registration = MASK + (self.registration[-SHOWN_OF_REGISTRATION:] if is_long else "")
        return replace(
            self, name=" ".join(initial(word) + MASK for word in self.name.split()), registration=registration
        )


def initial(word: str) -> str:
    """Return the first letter with the marks that belong to it."""
    rest = (place for place, letter in enumerate(word[1:], 1) if not unicodedata.category(letter).startswith("M"))
    return word[: next(rest, len(word))]


def local_moment(moment: datetime, zone: str) -> str:
    """Return `2026-11-20 18:00:00 +05:30 (Asia/Kolkata)`."""
    local = moment.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[19:]} ({zone})"
