"""Money as integers of minor units, and how amounts are written for people."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering
from types import MappingProxyType
from typing import Annotated

from core.kernel.constraints import Text, Whole
from core.kernel.currencies import decimal_places
from core.kernel.errors import Invalid

MAX_MINOR_UNITS = 10**15
"""The largest absolute amount; a sum of thousands of amounts still fits a signed 64-bit column."""
FULL_BASIS_POINTS = 10_000
"""100 % in basis points."""
CURRENCY = Text("three capital letters", "[A-Z]{3}")
SYMBOLS: Mapping[str, str] = MappingProxyType({"INR": "₹"})
"""What is written before an amount instead of the code of its currency."""
LAKH_CURRENCIES = frozenset({"INR"})
"""Grouped by lakh and crore, also in English."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """A signed amount in minor units of one currency (ISO 4217): paise, cents, or whole yen.

    Stored amounts are of any code; schedules, quotes and events are held to the list by `check_currency`.
    """

    minor: Annotated[int, Whole(-MAX_MINOR_UNITS, MAX_MINOR_UNITS)]
    currency: Annotated[str, CURRENCY]

    def __post_init__(self) -> None:
        if type(self.minor) is not int:  # a bool is an int to isinstance
            raise Invalid("an amount is a whole number of minor units", at="$.minor")
        if abs(self.minor) > MAX_MINOR_UNITS:
            raise Invalid("the amount is too large", at="$.minor")
        if not CURRENCY.admits(self.currency):
            raise Invalid(f"a currency is {CURRENCY.rule}", at="$.currency")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return the amount 0 in this currency."""
        return cls(0, currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_in_same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_in_same_currency(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_in_same_currency(other)

    def percent(self, basis_points: int) -> "Money":
        """Return this share, rounded once to a minor unit, halves away from zero: 0.5 → 1, -0.5 → -1."""
        product = self.minor * basis_points
        size = (abs(product) + FULL_BASIS_POINTS // 2) // FULL_BASIS_POINTS
        return Money(size if product >= 0 else -size, self.currency)

    def split(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Return one part for each weight, by largest remainder; the parts sum to the whole."""
        if not weights or min(weights) < 0 or sum(weights) == 0:
            raise Invalid("weights are not negative, and at least one is positive")
        whole, size = sum(weights), abs(self.minor)
        parts = [size * weight // whole for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda part: -(size * weights[part] % whole))
        for part in by_remainder[: size - sum(parts)]:
            parts[part] += 1
        return tuple(Money(part if self.minor >= 0 else -part, self.currency) for part in parts)

    def _minor_in_same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise Invalid(f"amounts in {self.currency} and {other.currency} do not mix")
        return other.minor


def format_amount(amount: Money) -> str:
    """Return an amount as English writes it: `₹1,50,000.00`, `JPY 150,000`, `-KWD 1.500`."""
    symbol = SYMBOLS.get(amount.currency, f"{amount.currency} ")
    return f"{'-' if amount.minor < 0 else ''}{symbol}{_format_size(amount)}"


def format_number(amount: Money) -> str:
    """Return an amount in major units without its currency, for a table whose heading names it: `-1,500.00`."""
    return f"{'-' if amount.minor < 0 else ''}{_format_size(amount)}"


def parse_amount(text: str, currency: str) -> Money:
    """Return the amount of a number in major units without separators: `-1500.00`; raise `Invalid`."""
    places = decimal_places(currency)
    whole, point, fraction = text.partition(".")
    digits = whole.removeprefix("-")
    if not text.isascii() or len(text) > 32 or not digits.isdecimal() or fraction.isdecimal() is not bool(point):
        raise Invalid(f"{text[:32]!r} is no amount: write 1500.00", at="$.amount")
    if fraction[places:].strip("0"):
        raise Invalid(f"{currency} has {places} decimal places, and {text!r} more", at="$.amount")
    size = int(digits + fraction[:places].ljust(places, "0"))
    return Money(-size if whole != digits else size, currency)


def _format_size(amount: Money) -> str:
    places = decimal_places(amount.currency)
    major, minor = divmod(abs(amount.minor), 10**places)
    whole = _in_lakhs(major) if amount.currency in LAKH_CURRENCIES else f"{major:,}"
    return f"{whole}.{minor:0{places}}" if places else whole


def _in_lakhs(number: int) -> str:
    """Group a number as India does: three digits at the end, and pairs before them."""
    head, tail = divmod(number, 1000)
    return re.sub(r"(?<=\d)(?=(\d\d)+$)", ",", str(head)) + f",{tail:03}" if head else str(tail)
