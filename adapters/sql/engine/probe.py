"""The probe of the database: connection, schema version and clock."""

from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from adapters.sql.engine.schema_version import current_version, required_version
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.health import Probe

MAX_CLOCK_SKEW_SECONDS = 5.0
"""Seconds that the clock of this process may differ from the database's, which all processes share."""


class SqlProbe(Probe):
    """Checks the schema version and the clock skew."""

    remedy = "start the database or correct its address and account; bring the schema up with `bursar migrate`"

    def __init__(self, name: str, database: Database, clock: Clock) -> None:
        self.name, self._database, self._clock = f"persistence ({name})", database, clock

    async def check(self) -> str:
        async with self._database.reading() as connection:
            version = await connection.run_sync(current_version)
            ahead = (self._clock.now() - await connection.scalar(select(now()))).total_seconds()
        if version != required_version():
            raise Unavailable(f"the schema is at {version or 'nothing'}, this program needs {required_version()}")
        if abs(ahead) > MAX_CLOCK_SKEW_SECONDS and connection.dialect.name == "mysql":  # SQLite has no clock of its own
            off = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the database's"
            raise Unavailable(f"this machine's clock is {off}: deadlines and leases depend on it; synchronise it")
        return f"schema {version}"
