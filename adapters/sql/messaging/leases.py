"""Shares the shards of the outbox among relays by leases, in SQL.

Every step is one autocommit statement: a relay that is suspended between two steps holds no lock, so that no other
relay waits for it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from adapters.sql.engine.tables import insert_ignore
from adapters.sql.messaging.tables import relay_leases, relays
from core.messaging.leases import Lease, fencing_tokens, rebalance

lease = relay_leases.c


class SqlLeases:
    """The leases of one relay.

    The clock of the database decides when a lease expires; between queries the relay measures the time since its
    last renewal, on a clock that continues while the process is suspended.
    """

    def __init__(self, database: Database, holder: str, clock: Callable[[], float] = monotonic) -> None:
        self._database, self._holder, self._clock = database, holder, clock
        self._tokens: Mapping[int, int] = {}
        self._until = 0.0

    @property
    def fencing_tokens(self) -> Mapping[int, int]:
        """The fencing tokens of the held shards; empty once the leases may have expired."""
        return self._tokens if self._clock() < self._until else {}

    async def renew(self, seconds: float) -> int:
        """Renew or take a fair share of the shards for `seconds`; 0 releases all.  Return how many are held."""
        asked = self._clock()
        async with self._database.autocommit() as connection:
            if seconds:
                self._tokens = await self._share(connection, seconds)
            else:
                await connection.execute(delete(relays).where(relays.c.holder == self._holder))
                await self._release(connection, self._tokens)
                self._tokens = {}
        self._until = asked + seconds
        return len(self._tokens)

    async def _share(self, connection: AsyncConnection, seconds: float) -> Mapping[int, int]:
        """Renew the held leases, then release or take shards; both only when relays come or go."""
        await connection.execute(update(relay_leases).where(lease.holder == self._holder).values(until=now(seconds)))
        leases, asking, at = await self._query(connection)
        alive = {self._holder} | {each.holder for each in leases if each.until > at}
        changes = rebalance(leases, self._holder, len(alive) + asking, at, at + timedelta(seconds=seconds))
        mine = fencing_tokens(leases, self._holder)
        taken = {each.shard for each in changes if each.holder == self._holder} - mine.keys()
        surplus = {each.shard for each in changes if each.holder != self._holder}
        if mine and not taken and not surplus:
            return mine
        await connection.execute(delete(relays).where((relays.c.until <= now()) | (relays.c.holder == self._holder)))
        await connection.execute(insert_ignore(relays).values(holder=self._holder, until=now(seconds)))
        await self._release(connection, surplus)
        await self._take(connection, taken, seconds)
        return fencing_tokens((await self._query(connection))[0], self._holder)

    async def _query(self, connection: AsyncConnection) -> tuple[Sequence[Lease], int, datetime]:
        """Return every lease, the number of other relays without one, and the time of the database."""
        holding = select(lease.holder).where(lease.until > now())
        asking = select(func.count()).select_from(relays).where(relays.c.until > now())
        others = asking.where(relays.c.holder.not_in(holding), relays.c.holder != self._holder).scalar_subquery()
        query = select(relay_leases, others.label("asking"), now().label("now"))
        rows = (await connection.execute(query)).all()
        leases = [Lease(row.shard, row.holder, row.token, row.until) for row in rows]
        return leases, rows[0].asking, rows[0].now

    async def _release(self, connection: AsyncConnection, shards: Collection[int]) -> None:
        which = lease.shard.in_(shards) & (lease.holder == self._holder)
        await connection.execute(update(relay_leases).where(which).values(holder="", until=now()))

    async def _take(self, connection: AsyncConnection, shards: Collection[int], seconds: float) -> None:
        """Take those of the shards that are still free: another relay may have taken some."""
        which = lease.shard.in_(shards) & (lease.until <= now())
        values = {"holder": self._holder, "token": lease.token + 1, "until": now(seconds)}
        await connection.execute(update(relay_leases).where(which).values(values))
