"""The contact cells of a roster: those that cannot be sent to are left empty, and reported."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.kernel.errors import Invalid
from core.students.ports import ContactParser

MAX_QUOTED_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class RosterWarning:
    """A cell that was left empty, as it was written, and the reason."""

    line: int
    column: str
    value: str
    reason: str


def read_contacts(cells: dict[str, str], line: int, contacts: ContactParser) -> Iterator[RosterWarning]:
    """Replace the contacts of a row by those that can be sent to; yield a warning for each other one."""
    country = cells.get("country", "")
    for column in ("email", "phone"):
        if written := cells.get(column):
            try:
                cells[column] = contacts.email(written) if column == "email" else contacts.phone(written, country)
            except Invalid as fault:
                cells[column] = ""
                yield RosterWarning(line, column, written[:MAX_QUOTED_CHARACTERS], str(fault))
