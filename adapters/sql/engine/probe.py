"""The probe of the database: connection, schema version, clock, and a write."""

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import replacing
from adapters.sql.engine.now import now
from adapters.sql.engine.schema_version import current_version, is_newer, required_version
from adapters.sql.engine.tables import heartbeat
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.health import Probe

MAX_CLOCK_SKEW_SECONDS = 5.0
"""Seconds that the clock of this process may differ from the database's, which all processes share."""
PADDING_BYTES = {"sqlite": 65_536}
"""The room that the probe takes for a moment; MySQL would write each byte to its binary log."""


class SqlProbe(Probe):
    """Checks the schema version and the clock skew, and overwrites one row: only a commit shows a full disk."""

    remedy = "start the database or correct its address, account and TLS; bring the schema up with `bursar migrate`"

    def __init__(self, name: str, database: Database, clock: Clock) -> None:
        self.name, self._database, self._clock = f"persistence ({name})", database, clock

    async def check(self) -> str:
        async with self._database.reading() as connection:
            version = await connection.run_sync(current_version)
            ahead = (self._clock.now() - await connection.scalar(select(now()))).total_seconds()
        needed = required_version()
        if version != needed and not is_newer(version, needed):
            raise Unavailable(f"the schema is at {version or 'nothing'}, this program needs {needed}")
        if abs(ahead) > MAX_CLOCK_SKEW_SECONDS and connection.dialect.name == "mysql":  # SQLite has no clock of its own
            off = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the database's"
            raise Unavailable(f"this machine's clock is {off}: deadlines and leases depend on it; synchronise it")
        await self._write()
        return f"schema {version}" if version == needed else f"schema {version}, newer than this program's {needed}"

    async def _write(self) -> None:
        """Take the room of a write and give it back; raise `Unavailable` if the database has none."""
        if why := self._database.fullness.reason():
            raise Unavailable(f"the database is full: {why}")
        try:
            async with self._database.autocommit() as connection:
                write = replacing(heartbeat)(connection.dialect)
                for size in sorted({PADDING_BYTES.get(connection.dialect.name, 0), 0}, reverse=True):
                    await connection.execute(write.values(id=1, at=now(), padding=bytes(size)))
        except DBAPIError as error:
            raise Unavailable(f"the database refuses a write: {error.orig}") from error
