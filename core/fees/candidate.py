"""The candidate, as far as the fees context needs one."""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

StudentId = NewType("StudentId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A student on the roster, with the fields that a price depends on."""

    id: StudentId
    registration: str
    name: str
    category: str
    """A category of the schedule: `general`, `sc`, `obc-ncl`, `staff`."""
    country: str
    """Where the exam is sat: ISO 3166-1, two letters."""
    centre: str = ""
    """The exam centre; empty: the roster names none."""
    certificates: frozenset[str] = frozenset()
    """Such as `visually-impaired`."""
