"""Whether the database is there, of our version and of our time."""

from sqlalchemy import select

from adapters.sql.database import Database
from adapters.sql.now import now
from adapters.sql.schema_version import current_version, required_version
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.health import Probe

MAX_CLOCK_SKEW_SECONDS = 5.0
"""Seconds that our clock may be off the database's, by which all processes of an office are compared."""


class SqlProbe(Probe):
    """Ask the database for the version of its schema, and what time it is."""

    remedy = "start the database or correct its address and account; bring the schema up with `bursar migrate`"

    def __init__(self, name: str, database: Database, clock: Clock) -> None:
        self.name, self._database, self._clock = f"persistence ({name})", database, clock

    async def check(self) -> str:
        async with self._database.reading() as connection:
            version = await connection.run_sync(current_version)
            ahead = (self._clock.now() - await connection.scalar(select(now()))).total_seconds()
        if version != required_version():
            raise Unavailable(f"the schema is at {version or 'nothing'}, this program needs {required_version()}")
        if abs(ahead) > MAX_CLOCK_SKEW_SECONDS and connection.dialect.name == "mysql":  # a file has no clock of its own
            off = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the database's"
            raise Unavailable(f"this machine's clock is {off}: deadlines and leases go by it, let both ask one source")
        return f"schema {version}"
