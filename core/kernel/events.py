"""The base of all events."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A committed change of an aggregate."""

    CONTEXT: ClassVar[str]
    """The bounded context that publishes it, as its topic names it."""
    MESSAGE_TYPE: ClassVar[str]
    """The CloudEvents type; it stays the same when the class is renamed."""

    at: datetime
    subject: UUID
    """The id of the aggregate; its events are published in the order of `version`."""
    version: int
    """The number of the event within its aggregate, from 1."""

    @property
    def context(self) -> str:
        """Return the context in whose topic it is published."""
        return self.CONTEXT


def announcing_contexts() -> frozenset[str]:
    """Return the contexts of all events: only this program writes their topics."""
    kinds, contexts = [Event], set[str]()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        contexts |= {vars(kind)["CONTEXT"]} if "CONTEXT" in vars(kind) else set()
    return frozenset(contexts)
