"""Facts the core announces to the rest of the world."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an aggregate and can no longer be refused."""

    at: datetime
    subject: UUID
    """The aggregate it happened to; its events are published in the order of their `version`."""
    version: int
    """How many events the aggregate has had, this one included."""

    @property
    def context(self) -> str:
        """Return the bounded context that announces it, which is the name of its topic."""
        return type(self).__module__.split(".")[1]
