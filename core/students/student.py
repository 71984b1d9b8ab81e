"""Students and their contact data."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, NewType
from uuid import UUID

StudentId = NewType("StudentId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The data of one student, as they were valid when a roster was imported."""

    registration: str
    """As the first roster spelt it; other cases of its letters name the same student."""
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


DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Enrolment) if each.default is not MISSING}
"""What a field has that no roster named, or whose cell is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One student on the roster."""

    id: StudentId
    enrolment: Enrolment


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableStudent(Student):
    """A student with contacts that cannot be decrypted; the enrolment leaves them empty."""

    faults: Mapping[str, str]
    """By contact, what is wrong and what to do."""
