"""Who pays, as far as the price depends on it."""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

StudentId = NewType("StudentId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A student on the roster, seen by the fee office."""

    id: StudentId
    registration: str
    name: str
    category: str
    """As the board's schedule calls it: `general`, `sc`, `obc-ncl`, `staff`."""
    country: str
    """Where the exam is sat: ISO 3166-1, two letters."""
    certificates: frozenset[str] = frozenset()
    """Such as `visually-impaired`."""
