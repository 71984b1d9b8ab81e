"""The leases of the outbox's shards in SQL.

Every step is one statement that commits itself: a relay that is stopped between two of them holds no lock, and
nobody has to wait until it wakes up.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.database import Database
from adapters.sql.now import now
from adapters.sql.tables import insert_ignore, relay_leases, relays
from core.messaging.leases import Lease, rebalance, tokens

lease = relay_leases.c


class SqlLeases:
    """What one relay holds.

    Leases are judged by the clock of the database; in between, by how long ago we asked for ours, on a clock
    that goes on while the process is stopped.
    """

    def __init__(self, database: Database, holder: str, clock: Callable[[], float] = monotonic) -> None:
        self._database, self._holder, self._clock = database, holder, clock
        self._tokens: Mapping[int, int] = {}
        self._until = 0.0

    @property
    def tokens(self) -> Mapping[int, int]:
        """Return the shards that are ours as far as we can know without asking, with their tokens."""
        return self._tokens if self._clock() < self._until else {}

    async def hold(self, seconds: float) -> int:
        """Make our share of the shards ours for so long, and return how many; for no time, give all back."""
        asked = self._clock()
        async with self._database.autocommit() as connection:
            if seconds:
                self._tokens = await self._share(connection, seconds)
            else:
                await connection.execute(delete(relays).where(relays.c.holder == self._holder))
                await self._give_back(connection, self._tokens)
                self._tokens = {}
        self._until = asked + seconds
        return len(self._tokens)

    async def _share(self, connection: AsyncConnection, seconds: float) -> Mapping[int, int]:
        """Renew what is ours; give back and take what is fair, which is nothing as long as no relay comes or goes."""
        await connection.execute(update(relay_leases).where(lease.holder == self._holder).values(until=now(seconds)))
        leases, asking, at = await self._look(connection)
        alive = {self._holder} | {each.holder for each in leases if each.until > at}
        changes = rebalance(leases, self._holder, len(alive) + asking, at, at + timedelta(seconds=seconds))
        mine = tokens(leases, self._holder)
        taken = {each.shard for each in changes if each.holder == self._holder} - mine.keys()
        surplus = {each.shard for each in changes if each.holder != self._holder}
        if mine and not taken and not surplus:
            return mine
        await connection.execute(delete(relays).where((relays.c.until <= now()) | (relays.c.holder == self._holder)))
        await connection.execute(insert_ignore(relays).values(holder=self._holder, until=now(seconds)))
        await self._give_back(connection, surplus)
        await self._take(connection, taken, seconds)
        return tokens((await self._look(connection))[0], self._holder)

    async def _look(self, connection: AsyncConnection) -> tuple[Sequence[Lease], int, datetime]:
        """Return every lease, how many other relays have none and ask for their share, and what time it is."""
        holding = select(lease.holder).where(lease.until > now())
        asking = select(func.count()).select_from(relays).where(relays.c.until > now())
        others = asking.where(relays.c.holder.not_in(holding), relays.c.holder != self._holder).scalar_subquery()
        query = select(relay_leases, others.label("asking"), now().label("now"))
        rows = (await connection.execute(query)).all()
        leases = [Lease(row.shard, row.holder, row.token, row.until) for row in rows]
        return leases, rows[0].asking, rows[0].now

    async def _give_back(self, connection: AsyncConnection, shards: Collection[int]) -> None:
        which = lease.shard.in_(shards) & (lease.holder == self._holder)
        await connection.execute(update(relay_leases).where(which).values(holder="", until=now()))

    async def _take(self, connection: AsyncConnection, shards: Collection[int], seconds: float) -> None:
        """Take what is still free at this moment: somebody else may have been faster."""
        which = lease.shard.in_(shards) & (lease.until <= now())
        values = {"holder": self._holder, "token": lease.token + 1, "until": now(seconds)}
        await connection.execute(update(relay_leases).where(which).values(values))
