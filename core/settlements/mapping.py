"""Mappings: which columns of a gateway's settlement file mean what."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.kernel.constraints import Items, Text
from core.kernel.errors import Invalid

Place: TypeAlias = str | tuple[int, int]
"""The name of a column of CSV; of a file with fixed widths the first character, from 0, and the one after the last."""
NAME = Text("1 to 32 small letters, digits or hyphens", "[a-z0-9-]{1,32}")


class Layout(StrEnum):
    """How the cells of a row are found."""

    CSV = "csv"
    FIXED = "fixed"
    """By their positions; there is no line of names."""


class LineKind(StrEnum):
    """What a line is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    OTHER = "other"
    """A fee, a reserve, a correction: the office has no record of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the cells are."""

    kind: Place
    payment: Place
    """The gateway's id of the payment."""
    refund: Place
    """The gateway's id of the refund or dispute."""
    order: Place
    currency: Place
    settled_at: Place
    settlement: Place
    """The gateway's id of the transfer to the bank."""
    received: tuple[Place, ...]
    """Their sum, less that of `paid`, is what the bank received."""
    paid: tuple[Place, ...] = ()
    fees: tuple[Place, ...]
    """Their sum is what the gateway kept."""
    id: Place | None = None
    """The file's own id of a line; without it, equal lines are told apart by their number of occurrence."""

    def places(self) -> Iterator[Place]:
        """Yield every place that is named."""
        yield from (self.kind, self.payment, self.refund, self.order, self.currency, self.settled_at, self.settlement)
        yield from (*self.received, *self.paid, *self.fees)
        if self.id is not None:
            yield self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementMapping:
    """How the settlement file of one gateway is read."""

    gateway: Annotated[str, NAME]
    bank: Annotated[str, NAME]
    """The account of the ledger to which the gateway transfers: bank:NAME."""
    layout: Layout = Layout.CSV
    delimiter: str = ","
    times: Annotated[tuple[str, ...], Items(least=1)]
    """As `strptime` reads them; the first that fits."""
    zone: str = "UTC"
    settles_within_days: int = 7
    """A captured payment that is older, and in no file, is missing there."""
    kinds: dict[str, LineKind]
    """By the file's own words; lines of other words are exceptions."""
    skipped: tuple[str, ...] = ()
    """Words of lines that move nothing, such as the transfer itself."""
    columns: Columns

    def __post_init__(self) -> None:
        NAME.check("gateway", self.gateway)
        NAME.check("bank", self.bank)
        if not self.times:
            raise Invalid("a mapping names a form of times", at="$.times")
        if len(self.delimiter) != 1:
            raise Invalid("a delimiter is one character", at="$.delimiter")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Invalid(f"{self.zone!r} is no IANA time zone", at="$.zone") from error
        expected = str if self.layout is Layout.CSV else tuple
        if any(not isinstance(each, expected) for each in self.columns.places()):
            form = "the name of a column" if expected is str else "[first, after the last]"
            raise Invalid(f"a place in a file of the layout {self.layout} is {form}", at="$.columns")
