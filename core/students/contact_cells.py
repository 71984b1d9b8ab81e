"""The contact cells of a roster: those that cannot be sent to are not taken, and reported."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.kernel.errors import Invalid
from core.students.ports import ContactParser
from core.students.spreadsheet_damage import converted, error_value

CONTACT_COLUMNS = ("email", "phone")
MAX_QUOTED_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class RosterWarning:
    """A cell that was not taken, as it was written, and the reason."""

    line: int
    column: str
    value: str
    reason: str


def read_contacts(
    cells: Mapping[str, str], country: str, line: int, contacts: ContactParser
) -> tuple[dict[str, str], list[RosterWarning]]:
    """Return the contacts of a row that can be sent to, and a warning for each other one."""
    taken: dict[str, str] = {}
    warnings: list[RosterWarning] = []
    for column, written in cells.items():
        try:
            taken[column] = contacts.email(written) if column == "email" else contacts.phone(written, country)
        except Invalid as fault:
            reason = error_value(written) or converted(written) or str(fault)
            warnings.append(RosterWarning(line, column, written[:MAX_QUOTED_CHARACTERS], reason))
    return taken, warnings
