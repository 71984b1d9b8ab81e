"""Whether the database is there, and of our time."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from adapters.sql.database import Database
from adapters.sql.migrate import newest
from core.shared.errors import Unavailable
from core.shared.health import Probe


class SqlProbe(Probe):
    """Ask the database for the version of its schema."""

    remedy = "start the database or correct its address and account; bring the schema up with `bursar migrate`"

    def __init__(self, name: str, database: Database) -> None:
        self.name, self._database = f"persistence ({name})", database

    async def check(self) -> str:
        async with self._database.reading() as connection:
            version = await connection.run_sync(schema_version)
        if version != newest():
            raise Unavailable(f"the schema is at {version or 'nothing'}, this program needs {newest()}")
        return f"schema {version}"


def schema_version(connection: Connection) -> str | None:
    """Return the last migration that was run."""
    return MigrationContext.configure(connection).get_current_revision()
