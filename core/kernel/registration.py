"""The registration (enrolment number) of a student: its spelling, and when two spellings name the same student."""

import re

from core.kernel.errors import Invalid
from core.kernel.text import normal_form

MAX_REGISTRATION_LENGTH = 32
REGISTRATION_PATTERN = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._/()& -]{1,32}")
FOREIGN_CHARACTER = re.compile(r"[^A-Za-z0-9._/()& -]")
RULE = "a registration is 1 to 32 of A-Z a-z 0-9 . _ - / ( ) & and single spaces, with a letter or a digit"


def read_registration(text: str) -> str:
    """Return a registration with single spaces and none around it; raise `Invalid`."""
    spelling = normal_form(text)
    if not REGISTRATION_PATTERN.fullmatch(spelling):
        found = FOREIGN_CHARACTER.search(spelling)
        because = f"; {found[0]!r} (U+{ord(found[0]):04X}) is none of them" if found else ""
        raise Invalid(f"registration {spelling[:40]!r}: {RULE}{because}", at="$.registration")
    return spelling


def fold(spelling: str) -> str:
    """Return what all spellings of a valid registration share: the case of letters is ignored, as the database does."""
    return spelling.lower()


def registration_key(text: str) -> str | None:
    """Return what all spellings of a registration share; None for a text that cannot be one."""
    spelling = normal_form(text) if len(text) <= 2 * MAX_REGISTRATION_LENGTH else ""
    return fold(spelling) if REGISTRATION_PATTERN.fullmatch(spelling) else None
