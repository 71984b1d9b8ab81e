"""Projections: what people look at, kept by events, and built anew from the log while it is looked at.

A projection has generations.  One is live, and read; another may be being built, and then events go into both.  Its
events are those of the context of its name.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.kernel.errors import Conflict, NotFound
from core.messaging.message import Message


class UnknownProjection(NotFound):
    """There is no projection of this name."""

    problem = "unknown-projection"


class RebuildUnderWay(Conflict):
    """Somebody is building the projection already."""

    problem = "rebuild-under-way"


class RebuildTakenOver(Conflict):
    """The rebuild was silent for so long that it counts as dead; another may have begun."""

    problem = "rebuild-taken-over"


class Projections(Protocol):
    """Which generation of each projection is read, and which is being built; leases go by the database's clock."""

    @abstractmethod
    async def begin(self, name: str, seconds: float) -> int:
        """Let events go into a new generation, too, as long as our lease lasts; raise `RebuildUnderWay`."""

    @abstractmethod
    async def hold(self, name: str, generation: int, seconds: float) -> None:
        """Renew our lease, or give it back for no time; raise `RebuildTakenOver` once it has run out."""

    @abstractmethod
    async def promote(self, name: str, generation: int) -> None:
        """Let the new generation be read from now on; raise `RebuildTakenOver` once our lease has run out."""

    @abstractmethod
    async def forget(self, name: str, limit: int) -> int:
        """Delete some rows of generations before the one that is read; return how many, 0 when there are no more."""


class EventHistory(Protocol):
    """The log of events, context by context."""

    @abstractmethod
    async def newest(self, context: str) -> UUID | None:
        """Return an event behind which there is none that was committed before we asked."""

    @abstractmethod
    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        """Return events by their ids, which is nearly by time, from behind one of them on."""
