"""The replicas that reads may use: looked at every second, an unfit one leaves, and comes back by itself."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.gtids import Gtids, set_of
from adapters.sql.engine.member import Standing
from adapters.sql.engine.primary import Primary, PrimaryLost
from adapters.sql.engine.replica import IS_PRIMARY, NEVER, Replica, unfit
from core.kernel.own_writes import Position

INTERVAL_SECONDS = 1.0
CONNECT_SECONDS = 0.5
"""A read that gets no connection of a replica within this time uses the primary."""
WAIT = text("SELECT WAIT_FOR_EXECUTED_GTID_SET(:gtids, :seconds)")
Told = tuple[Standing, str] | str
"""The state of a server and the version of its schema, or why they are not known."""


class Rotation:
    """Chooses replicas for reads."""

    def __init__(
        self, primary: Primary, replicas: Sequence[Replica], max_lag_seconds: float, wait_seconds: float,
        renew: Callable[[], None],
    ) -> None:  # fmt: skip
        """`wait_seconds` is what a read waits for the own writes of its client; `renew` replaces lost connections."""
        self.primary, self.replicas = primary, replicas
        self._max_lag, self._wait, self._renew = max_lag_seconds, wait_seconds, renew
        self._seen = deque[tuple[float, Gtids]]()
        """What the primary had of late, and when."""
        self._watch: asyncio.Task[None] | None = None
        self._turn = 0

    async def lend(self, stack: AsyncExitStack, after: Position) -> tuple[Replica, AsyncConnection] | None:
        """Return a connection to a replica that has a position; None if none has it in time."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_watching())
        if (replica := self._chosen(after)) is None:
            return None
        connection = AsyncConnection(replica.engine)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.start()
            stack.push_async_callback(connection.close)
            return (replica, connection) if await self._has(replica, connection, after) else None
        except Exception as error:
            self.note_failure(replica, error)
            return None

    def note_failure(self, replica: Replica, error: Exception) -> None:
        """Leave out a replica that failed, until the next look."""
        replica.judge(f"a read failed: {error or 'no connection was free in time'}")

    def lose_primary(self) -> None:
        """Look for the primary again, and replace the connections to the one that takes no writes."""
        self.primary.lost()
        self._renew()

    async def look(self) -> None:
        """Look at each replica, then at the primary, and judge the replicas."""
        told = await asyncio.gather(*(self._ask(each) for each in self.replicas))
        primary = await self._ask_primary()
        now = monotonic()
        if isinstance(primary, Standing):
            self._seen.append((now, primary.executed))
            while self._seen[0][0] < now - self._max_lag - 2 * INTERVAL_SECONDS:
                self._seen.popleft()
        for replica, answer in zip(self.replicas, told, strict=True):
            replica.judge(self._fault(replica, answer, primary, now))

    async def close(self) -> None:
        """End the watch, and close the connections."""
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        for each in self.replicas:
            await each.engine.dispose()
            each.member.drop()

    async def _keep_watching(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _ask(self, replica: Replica) -> Told:
        if replica.member is self.primary.member:
            return IS_PRIMARY
        try:
            return await replica.member.look(), await replica.member.version()
        except Exception as error:
            return f"it does not answer: {error or 'no answer in time'}"

    async def _ask_primary(self) -> Standing | str:
        try:
            return await self.primary.look()
        except PrimaryLost as error:
            self.lose_primary()
            return str(error)
        except Exception as error:
            return f"the primary does not tell its state: {error or 'no answer in time'}"

    def _chosen(self, after: Position) -> Replica | None:
        """Return the next fit replica, one that needs no waiting if there is one."""
        fit = [each for each in self.replicas if each.is_fit and each.can_have(after)]
        fit = [each for each in fit if each.executed.contains(after)] or fit
        self._turn += 1
        return fit[self._turn % len(fit)] if fit else None

    async def _has(self, replica: Replica, connection: AsyncConnection, after: Position) -> bool:
        """Return whether a replica has a position, or gets it in time."""
        if replica.executed.contains(after):
            return True
        timed_out = await connection.scalar(WAIT, {"gtids": set_of(after), "seconds": self._wait})
        return bool(timed_out == 0)

    def _fault(self, replica: Replica, told: Told, primary: Standing | str, now: float) -> str:
        """Return why no read may use a replica; empty if reads may."""
        if isinstance(told, str):
            replica.lag = 0.0 if told == IS_PRIMARY else NEVER
            return told
        standing, version = told
        replica.executed, replica.looked_at = standing.executed, now
        replica.lag = min((now - at for at, seen in self._seen if seen.within(standing.executed)), default=NEVER)
        if isinstance(primary, Standing) and (fault := unfit(standing, primary, version)):
            return fault
        return f"it is more than {self._max_lag:g} s behind the primary" if replica.lag > self._max_lag else ""
