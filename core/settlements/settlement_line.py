"""Lines of settlement files as the office keeps them, and the exceptions among them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.kernel.events import Event
from core.kernel.money import Money
from core.settlements.file_lines import FileLine
from core.settlements.mapping import LineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementPosted(Event):
    """A gateway has transferred amounts of payments to the bank, less its fees and what it gave back."""

    CONTEXT = "settlements"
    MESSAGE_TYPE = "SettlementPosted"

    gateway: str
    bank: str
    settlement: str
    """The gateway's id of the transfer."""
    gross: Money
    """What payers paid, less what went back to them."""
    fees: Money
    settled_at: datetime
    lines: int


class ExceptionKind(StrEnum):
    """Why a line or a payment does not settle itself."""

    MISSING_HERE = "missing-here"
    """The office knows no such payment or refund."""
    MISSING_THERE = "missing-there"
    """The gateway has not transferred a payment in time."""
    AMOUNT = "amount"
    """The gateway tells another amount or currency."""
    DUPLICATE = "duplicate"
    """Another line has settled the same payment or refund."""


class ExceptionState(StrEnum):
    """How far an exception is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """It was posted as the gateway tells it."""
    DISMISSED = "dismissed"
    """It was not posted."""
    FOUND = "found"
    """A later file has settled the payment."""


class KnownFact(NamedTuple):
    """A payment or refund of the office that a line may be about."""

    id: UUID
    minor: int
    """Negative for a refund."""
    currency: str
    is_settled: bool


class PlacedLine(NamedTuple):
    """A line with its identity, and what it is about if it settles that."""

    id: UUID
    line: FileLine
    about: UUID | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class SettlementException:
    """A line or payment that waits for a person."""

    id: UUID
    gateway: str
    bank: str
    kind: ExceptionKind
    about: UUID | None
    """The payment or refund, where one is known."""
    name: str
    """The gateway's id of it."""
    amount: Money
    fees: Money
    settlement: str
    at: datetime
    state: ExceptionState = ExceptionState.OPEN
    decided_by: str = ""
    why: str = ""


def fault_of(line: FileLine, fact: KnownFact | None, settled: Collection[UUID]) -> ExceptionKind | None:
    """Return why a line does not settle a payment or refund; `settled` are those of earlier lines of the batch."""
    if fact is None:
        return ExceptionKind.MISSING_HERE
    if fact.is_settled or fact.id in settled:
        return ExceptionKind.DUPLICATE
    if (line.gross, line.currency) != (fact.minor, fact.currency):
        return ExceptionKind.AMOUNT
    return None


def exception_of(
    placed: PlacedLine, kind: ExceptionKind, about: UUID | None, gateway: str, bank: str
) -> SettlementException:
    """Return the exception that a line makes."""
    line = placed.line
    return SettlementException(
        id=placed.id,
        gateway=gateway,
        bank=bank,
        kind=kind,
        about=about,
        name=line.refund if line.kind is LineKind.REFUND else line.payment or line.id,
        amount=Money(line.gross, line.currency),
        fees=Money(line.fee, line.currency),
        settlement=line.settlement,
        at=line.at,
    )
