"""What clients have written of late, in Redis, for every process."""

from typing import Any

from adapters.redis.link import FAILURES, RedisLink, client
from core.kernel.clock import Clock
from core.kernel.own_writes import OwnWrites, Position, merged

TIMEOUT_SECONDS = 0.25


class RedisOwnWrites(OwnWrites):
    """One sorted set for each client: the servers of the database, by the number of their last transaction.

    Every replica in use has what is older than `ttl_seconds`.  A Redis that lost its memory, or whose memory is
    younger than that, knows nothing.
    """

    def __init__(self, url: str, ca_file: str, prefix: str, ttl_seconds: float, clock: Clock) -> None:
        self._redis, self._clock = client(url, ca_file, TIMEOUT_SECONDS), clock
        self._link = RedisLink(self._redis, "own_writes", self._recover)
        self._prefix, self._seconds, self._milliseconds = f"{prefix}own-writes:", ttl_seconds, int(1000 * ttl_seconds)
        self._unsaved = dict[str, Position]()
        """What Redis does not have yet."""

    async def of(self, client: str) -> Position | None:
        if self._link.away:
            return None
        try:
            asking: Any = self._redis.pipeline(transaction=False)
            found = await asking.get(self._since).zrange(self._key(client), 0, -1, withscores=True).execute()
            if found[0] is None:
                await self._redis.set(self._since, self._clock.now().timestamp(), nx=True)
        except FAILURES as error:
            self._link.lost(error)
            return None
        if found[0] is None or self._clock.now().timestamp() - float(found[0]) < self._seconds:
            return None
        return {server.decode(): int(number) for server, number in found[1]}

    async def remember(self, client: str, position: Position) -> None:
        self._unsaved[client] = merged(self._unsaved.get(client, {}), position)
        if not self._link.away:
            try:
                await self._save()
            except FAILURES as error:
                self._link.lost(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def _recover(self) -> None:
        await self._redis.set(f"{self._prefix}heartbeat", b"", ex=60)  # a replica and a full Redis answer pings
        await self._save()

    async def _save(self) -> None:
        while self._unsaved:
            client, position = self._unsaved.popitem()
            try:
                saving: Any = self._redis.pipeline()
                saving.zadd(self._key(client), dict(position), gt=True).pexpire(self._key(client), self._milliseconds)
                await saving.execute()
            except BaseException:
                self._unsaved[client] = merged(self._unsaved.get(client, {}), position)
                raise

    def _key(self, client: str) -> str:
        return f"{self._prefix}{client}"

    @property
    def _since(self) -> str:
        return f"{self._prefix}since"
