"""Students and their contact data."""

import re
from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from core.kernel.errors import Invalid

StudentId = NewType("StudentId", UUID)

FIELD_PATTERNS = {
    "registration": re.compile(r"[A-Za-z0-9._-]{1,32}"),
    "name": re.compile(r"[^\x00-\x1f\x7f]{1,120}"),
    "category": re.compile(r"[a-z0-9-]{1,32}"),
    "country": re.compile(r"[A-Z]{2}"),
    "centre": re.compile(r"[A-Za-z0-9-]{0,16}"),
    "email": re.compile(r"(?=.{0,254}$)([^@\s\x00-\x1f<>,;]+@[^@\s\x00-\x1f<>,;]+\.[^@\s\x00-\x1f<>,;.]+)?"),
    "phone": re.compile(r"(\+[1-9][0-9]{6,14})?"),
    "language": re.compile(r"[a-z]{2}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The data of one student in a roster of a school."""

    registration: str
    name: str
    category: str
    country: str = "IN"
    """Where the exam is sat: ISO 3166-1, two letters."""
    centre: str = ""
    certificates: frozenset[str] = frozenset()
    email: str = ""
    phone: str = ""
    """E.164: +919876543210; rosters of earlier versions have addresses that a `ContactParser` refuses."""
    language: str = "en"
    """ISO 639-1: the language of notifications."""

    def __post_init__(self) -> None:
        for field, shape in FIELD_PATTERNS.items():
            if not shape.fullmatch(getattr(self, field)):
                said = getattr(self, field)[:40]
                raise Invalid(f"{field} {said!r} is not of the form {shape.pattern}", at=f"$.{field}")
        for certificate in self.certificates:
            if not re.fullmatch(r"[a-z0-9-]{1,32}", certificate):
                raise Invalid(f"certificate {certificate[:40]!r} is not a code", at="$.certificates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One student on the roster."""

    id: StudentId
    enrolment: Enrolment
