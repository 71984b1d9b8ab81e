"""Finds the server that takes writes among those that replicate one database."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.gtids import Gtids
from adapters.sql.engine.member import Member, Standing
from adapters.sql.engine.promotion import check_promoted, only_writable
from adapters.sql.engine.tracked_connection import last_commit, tracked
from core.kernel.errors import Unavailable
from core.kernel.own_writes import Position, merged

log = structlog.get_logger()
PAUSE_SECONDS = 0.25
"""After a search that found no primary, the next one begins at the earliest."""


class PrimaryLost(Unavailable):
    """The server that took writes does not do so any more."""


class Primary:
    """The member that takes writes: looked for at the first connection, and after one was lost or refused writes."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Expect the first member to be the primary."""
        self.members, self.seen = members, Gtids({})
        self._acknowledged: Position = {}
        self._last, self._server = members[0], ""
        self._current: Member | None = None
        self._searching, self._refusal, self._next_at = asyncio.Lock(), Unavailable("not looked yet"), 0.0

    @property
    def member(self) -> Member:
        """Return the primary as far as this process knows."""
        return self._current or self._last

    def lost(self) -> None:
        """Look again before the next connection."""
        self._current = None

    def written(self, connection: AsyncConnection) -> Position:
        """Return the position of what a connection has just committed; every later primary must have it."""
        position = last_commit(connection)
        self._acknowledged = merged(self._acknowledged, position)
        return position

    async def look(self) -> Standing:
        """Ask the primary for its state; raise `PrimaryLost` if it takes no writes, or as `find` does."""
        await self.find()
        member = self.member
        standing = await member.look()
        if standing.read_only:
            raise PrimaryLost(f"{member.name} takes no writes", retry_after=1)
        self.seen = standing.executed
        return standing

    def has(self, position: Position) -> bool:
        """Return whether the primary of this process wrote, or was seen to have, a position."""
        others = {server: number for server, number in position.items() if server != self._server}
        return self.seen.contains(others)

    async def find(self) -> None:
        """Look for the primary if it is not known; raise `Unavailable` if there is none, or the error of the driver."""
        if self._current is None:
            async with self._searching:
                if self._current is None:
                    await self._search()

    async def connect(self, **options: Any) -> Any:
        """Open a connection to the primary; raise as `find` does."""
        await self.find()
        return await tracked({**options, "host": self.member.host, "port": self.member.port})

    async def _search(self) -> None:
        if monotonic() < self._next_at:
            raise self._refusal
        told = await asyncio.gather(*(each.look() for each in self.members), return_exceptions=True)
        standings = {each: one for each, one in zip(self.members, told, strict=True) if isinstance(one, Standing)}
        try:
            found = only_writable(self.members, standings)
            check_promoted(found, self._last, standings, self.seen, self._acknowledged)
        except Unavailable as refusal:
            self._refusal, self._next_at = refusal, monotonic() + PAUSE_SECONDS
            if not standings and isinstance(told[0], Exception) and not isinstance(told[0], TimeoutError):
                raise told[0] from refusal  # a wrong password, or an unknown name
            raise
        if found is not self._last:
            log.warning("primary_moved", endpoint=found.name)
        self._current = self._last = found
        self._server = standings[found].server
