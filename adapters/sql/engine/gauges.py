"""Metrics of the connections to the database, and of its clock."""

from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import select
from sqlalchemy.pool import QueuePool

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from core.kernel.clock import Clock
from core.kernel.gauges import Gauges

CONNECTIONS = Gauge(
    "bursar_pool_connections", "Database connections in use, by pool", ["pool"], multiprocess_mode="livesum"
)
LIMIT = Gauge(
    "bursar_pool_connections_limit", "The most connections of each pool", ["pool"], multiprocess_mode="livesum"
)
WAITING = Gauge("bursar_pool_waiting", "Work that waits for a database connection", multiprocess_mode="livesum")
CLOCK_SKEW_SECONDS = Gauge(
    "bursar_clock_skew_seconds",
    "How far the clock of this machine is ahead of the database's; negative: behind it",
    multiprocess_mode="livemostrecent",
)


class SqlGauges(Gauges):
    """Shows the pools, and compares the clocks on MySQL; SQLite has no clock of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def refresh(self) -> None:
        self._show_pools()
        async with self._database.reading() as connection:
            if connection.dialect.name == "mysql":
                before = self._clock.now()
                there = await connection.scalar(select(now()))
                here = before + (self._clock.now() - before) / 2
                CLOCK_SKEW_SECONDS.set((here - there) / timedelta(seconds=1))

    def _show_pools(self) -> None:
        pools = {"transactions": self._database.engine.pool, "statements": self._database.reader.pool}
        if pools["transactions"] is pools["statements"]:
            del pools["statements"]
        used = 0
        for name, pool in pools.items():
            if isinstance(pool, QueuePool):
                used += pool.checkedout()
                CONNECTIONS.labels(name).set(pool.checkedout())
                LIMIT.labels(name).set(pool.size() + max(pool._max_overflow, 0))  # noqa: SLF001 - no public attribute
        WAITING.set(max(0, self._database.lending.lent - used))
