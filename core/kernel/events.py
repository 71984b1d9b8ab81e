"""Facts the core announces to the rest of the world."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an aggregate and can no longer be refused."""

    CONTEXT: ClassVar[str]
    """The bounded context that announces it, as its topic names it."""
    MESSAGE_TYPE: ClassVar[str]
    """Its name on the wire, the CloudEvents type."""

    at: datetime
    subject: UUID
    """The aggregate it happened to; its events are published in the order of their `version`."""
    version: int
    """How many events the aggregate has had, this one included."""

    @property
    def context(self) -> str:
        """Return the context under whose topic it is published."""
        return self.CONTEXT
