"""Amounts and rates of schedules."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from core.fees.errors import InvalidSchedule
from core.fees.names import Name
from core.kernel.constraints import Items, Whole
from core.kernel.money import FULL_BASIS_POINTS

MAX_AMOUNT_MINOR_UNITS = 10**12
"""The product of an amount and 50 papers, or ten years of days, stays below `MAX_MINOR_UNITS` of money."""
MinorUnits: TypeAlias = Annotated[int, Whole(0, MAX_AMOUNT_MINOR_UNITS)]
Rate: TypeAlias = Annotated[int, Whole(0, FULL_BASIS_POINTS)]
"""0 to 100 % in basis points."""
Amount: TypeAlias = MinorUnits | Annotated[Mapping[Name, MinorUnits], Items(least=1)]
"""Minor units: one amount for all categories, or one for each category."""


def amount_for(category: str, amount: Amount) -> int:
    """Return the amount of one category in minor units."""
    return amount if isinstance(amount, int) else amount[category]


def check_amount(amount: object, *, at: str) -> None:
    """Raise `InvalidSchedule` unless this is an `Amount` from 0 to `MAX_AMOUNT_MINOR_UNITS`."""
    if isinstance(amount, Mapping):
        if not amount:
            raise InvalidSchedule("there is no amount", at=at)
        for category, minor in amount.items():
            check_range(minor, MAX_AMOUNT_MINOR_UNITS, at=f"{at}.{category}")
    else:
        check_range(amount, MAX_AMOUNT_MINOR_UNITS, at=at)


def check_rate(basis_points: object, *, at: str) -> None:
    """Raise `InvalidSchedule` unless this is a rate from 0 to 100 % in basis points."""
    check_range(basis_points, FULL_BASIS_POINTS, at=at)


def check_range(number: object, maximum: int, *, at: str, minimum: int = 0) -> None:
    """Raise `InvalidSchedule` unless this is a whole number within these inclusive bounds."""
    if type(number) is not int:  # a bool is an int to isinstance
        raise InvalidSchedule("a whole number is expected", at=at)
    if not minimum <= number <= maximum:
        raise InvalidSchedule(f"it must be from {minimum} to {maximum}", at=at)


def check_one_of(**given: int | None) -> None:
    """Raise `InvalidSchedule` unless exactly one of these is given."""
    if sum(value is not None for value in given.values()) != 1:
        raise InvalidSchedule(f"exactly one of these is needed: {', '.join(given)}", at="$")
