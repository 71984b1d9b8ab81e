"""The outcome of the import of a roster."""

from dataclasses import dataclass, field

from core.students.contact_cells import RosterWarning

MAX_REPORTED_BAD_ROWS = 1_000
"""Rejected rows, and warnings, that a report lists; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A rejected row and the reason."""

    line: int
    reason: str


@dataclass(slots=True)
class RosterReport:
    """The outcome of the rows of a roster; each row that was read is added, changed, unchanged or rejected."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    cleared: int = 0
    """Values that an empty cell removed."""
    withheld: dict[str, int] = field(default_factory=dict)
    """Values that stayed because their column is empty in every row, by column."""
    warned: int = 0
    """Contacts that cannot be sent to and were not taken."""
    bad_rows: list[BadRow] = field(default_factory=list)
    warnings: list[RosterWarning] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        """Count a rejected row, and list it up to `MAX_REPORTED_BAD_ROWS`."""
        self.rejected += 1
        if len(self.bad_rows) < MAX_REPORTED_BAD_ROWS:
            self.bad_rows.append(BadRow(line, reason))

    def warn(self, warning: RosterWarning) -> None:
        """Count a warning, and list it up to `MAX_REPORTED_BAD_ROWS`."""
        self.warned += 1
        if len(self.warnings) < MAX_REPORTED_BAD_ROWS:
            self.warnings.append(warning)

    def keep(self, *, is_changed: bool) -> None:
        """Count a row of a student who was on the roster before."""
        self.changed += is_changed
        self.unchanged += not is_changed

    def withhold(self, columns: tuple[str, ...]) -> None:
        """Count the values that stayed in these columns."""
        for column in columns:
            self.withheld[column] = self.withheld.get(column, 0) + 1
