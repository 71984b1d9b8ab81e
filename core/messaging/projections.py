"""Projections: read models that events keep current and that can be rebuilt from the log while they are read.

A projection has generations. Queries read the live one; while another is being rebuilt, events go into both. A
projection is named after the context whose events it projects.
"""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol, Self
from uuid import UUID

from core.kernel.errors import Conflict, NotFound
from core.messaging.message import Message


class UnknownProjection(NotFound):
    """No projection has this name."""

    problem = "unknown-projection"


class RebuildUnderWay(Conflict):
    """Another process holds the lease of a rebuild of this projection."""

    problem = "rebuild-under-way"

    @classmethod
    def named(cls, name: str, seconds: float) -> Self:
        """Return the error for a projection whose rebuild holds a lease of so many seconds."""
        return cls(f"{name} is being rebuilt; if that was killed, try again in {seconds:.0f} s")


class RebuildTakenOver(Conflict):
    """The lease of the rebuild expired; another rebuild may have begun."""

    problem = "rebuild-taken-over"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the error for a projection whose rebuild lost its lease."""
        return cls(f"the rebuild of {name} did not renew its lease in time: begin it again")


class Projections(Protocol):
    """The live generation of each projection, and the one being rebuilt; leases use the database's clock."""

    @abstractmethod
    async def begin_rebuild(self, name: str, seconds: float) -> int:
        """Begin a generation that events also go into, with a lease of so long; raise `RebuildUnderWay`."""

    @abstractmethod
    async def renew(self, name: str, generation: int, seconds: float) -> None:
        """Renew the lease, or release it with 0 seconds; raise `RebuildTakenOver` if it has expired."""

    @abstractmethod
    async def promote(self, name: str, generation: int) -> None:
        """Make the new generation the live one; raise `RebuildTakenOver` if the lease has expired."""

    @abstractmethod
    async def purge(self, name: str, limit: int) -> int:
        """Delete up to `limit` rows of superseded generations; return their number, 0 when none is left."""


class EventHistory(Protocol):
    """The event log by context, in the order of event ids."""

    @abstractmethod
    async def newest(self, context: str) -> UUID | None:
        """Return an id such that no event committed before the call has a higher one; None without events."""

    @abstractmethod
    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        """Return the next events after one of them, by id, which is nearly by time."""

    @abstractmethod
    async def of(self, aggregate: UUID) -> Sequence[Message]:
        """Return the events of one aggregate by version."""

    @abstractmethod
    async def gap(self, contexts: Collection[str]) -> str:
        """Name an aggregate with fewer events than its newest version, and both numbers; empty without one."""
