"""The leases of the outbox's shards in SQL."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.database import Database
from adapters.sql.now import now
from adapters.sql.tables import relay_leases, relays
from core.shared.leases import Lease, divide, tokens


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
    def shards(self) -> frozenset[int]:
        """Return the shards that are ours as far as we can know without asking."""
        return frozenset(self._tokens if self._clock() < self._until else ())

    async def hold(self, seconds: float) -> int:
        """Make our share of the shards ours for so long, and return how many; for no time, give all back."""
        asked = self._clock()
        if not (self._tokens and seconds and await self._renew(seconds)):
            self._tokens = await self._share(seconds)
        self._until = asked + seconds
        return len(self._tokens)

    async def still_ours(self, connection: AsyncConnection, shards: set[int]) -> set[int]:
        """Return which of these nobody took from us, and keep it so until the transaction ends."""
        query = select(relay_leases.c.shard, relay_leases.c.token).where(relay_leases.c.shard.in_(shards))
        rows = await connection.execute(query.with_for_update(read=True))
        return {row.shard for row in rows if self._tokens.get(row.shard) == row.token}

    async def _renew(self, seconds: float) -> bool:
        """Keep what we have, and return whether that is all there is to do: two statements, and no lock is held."""
        ours = (relay_leases.c.holder == self._holder) & (relay_leases.c.until > now())
        async with self._database.at_once() as connection:
            renewed = await connection.execute(update(relay_leases).where(ours).values(until=now(seconds)))
            if renewed.rowcount != len(self._tokens):
                return False
            return not any(
                lease.holder != self._holder or lease.shard not in self._tokens
                for lease in await self._changes(connection, seconds)
            )

    async def _share(self, seconds: float) -> Mapping[int, int]:
        """Let shards change hands, one relay after the other; return ours, with their tokens."""
        async with self._database.writing() as connection:
            changes = await self._changes(connection, seconds, lock=True)
            await connection.execute(
                delete(relays).where((relays.c.until <= now()) | (relays.c.holder == self._holder))
            )
            if seconds:
                await connection.execute(insert(relays).values(holder=self._holder, until=now(seconds)))
            alike = defaultdict[tuple[str, int, datetime], list[int]](list)
            for lease in changes:
                alike[lease.holder, lease.token, lease.until].append(lease.shard)
            for (holder, token, until), shards in alike.items():
                change = update(relay_leases).where(relay_leases.c.shard.in_(shards))
                await connection.execute(change.values(holder=holder, token=token, until=until))
            await connection.commit()
        return tokens(changes, self._holder)

    async def _changes(self, connection: AsyncConnection, seconds: float, *, lock: bool = False) -> Sequence[Lease]:
        """Return which leases should change, and how."""
        holding = select(relay_leases.c.holder).where(relay_leases.c.until > now())
        asking = select(func.count()).select_from(relays).where(relays.c.until > now())
        asking = asking.where(relays.c.holder.not_in(holding), relays.c.holder != self._holder)
        query = select(relay_leases, now().label("now"), asking.scalar_subquery().label("asking"))
        rows = (await connection.execute(query.with_for_update() if lock else query)).all()
        at: datetime = rows[0].now
        leases = [Lease(row.shard, row.holder, row.token, row.until) for row in rows]
        if not seconds:
            return [Lease(lease.shard, "", lease.token, at) for lease in leases if lease.holder == self._holder]
        alive = {self._holder} | {lease.holder for lease in leases if lease.holder and lease.until > at}
        return divide(leases, self._holder, len(alive) + rows[0].asking, at, at + timedelta(seconds=seconds))
