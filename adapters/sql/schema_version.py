"""Which version a schema is, asked without Alembic: whoever only serves does not wait for its import."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from adapters.sql.database import Database

VERSIONS = Path(__file__).parent / "migrations/versions"


@cache
def required_version() -> str:
    """Return the version this program needs."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("0*.py"))


def current_version(connection: Connection) -> str | None:
    """Return the last migration that was run."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


async def ensure_migrated(database: Database, target: str = "head") -> str:
    """Run the migrations to `target` unless it is there already; return the newest."""
    async with database.reading() as connection:
        version = await connection.run_sync(current_version)
    if target != "head" or version != required_version():
        from adapters.sql.migrate import migrate

        await migrate(database, target)
    return required_version()
