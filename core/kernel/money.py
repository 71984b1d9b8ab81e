"""Money, counted in minor units so that it never drifts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering

from core.kernel.errors import Invalid

MAX_MINOR_UNITS = 10**15
"""No amount is further from zero: it fits a signed 64-bit column, and a sum of thousands of them does too."""
FULL_BASIS_POINTS = 10_000
"""A hundred per cent, in basis points."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """A signed amount of one currency (ISO 4217), in paise, cents or whatever its smallest unit is."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:  # a bool is an int to isinstance
            raise Invalid("an amount is a whole number of minor units", at="$.minor")
        if abs(self.minor) > MAX_MINOR_UNITS:
            raise Invalid("the amount is too large", at="$.minor")
        if not is_currency(self.currency):
            raise Invalid("a currency is three capital letters", at="$.currency")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in this currency."""
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
        """Return this share, rounded once to a minor unit; a half goes up in size: 0.5 → 1, -0.5 → -1."""
        product = self.minor * basis_points
        size = (abs(product) + FULL_BASIS_POINTS // 2) // FULL_BASIS_POINTS
        return Money(size if product >= 0 else -size, self.currency)

    def split(self, weights: Sequence[int]) -> tuple["Money", ...]:
        """Return one part per weight, by largest remainder: the parts always sum to the whole."""
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
            raise Invalid(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def is_currency(code: object) -> bool:
    """Tell whether this has the shape of an ISO 4217 code."""
    return isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
