"""What a rebuild has read and written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.messaging.log_records import Comparison
from core.messaging.message import Message

OnProgress = Callable[[int, datetime], None]
"""Called for each page with the number of events that were read and the time of the last one."""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The result of a rebuild."""

    projection: str
    generation: int = 0
    """Of a projection that is completed in place: the number of the rebuild."""
    events: int = 0
    forgotten: int = 0
    """Deleted rows of older generations."""
    restored: int = 0
    """Rows that were missing."""
    different: int = 0
    """Columns of stored rows that are not what the log says; they stay as they are."""
    derived: int = 0
    """Sums that were wrong."""
    in_place: bool = False
    """Whether rows were inserted, instead of a generation built."""

    def after(self, page: Sequence[Message], found: Comparison) -> "RebuildReport":
        """Return the report with one page more."""
        return replace(
            self,
            events=self.events + len(page),
            restored=self.restored + found.missing,
            different=self.different + found.different,
        )
