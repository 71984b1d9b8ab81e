"""The version of the schema, read without Alembic, whose import would slow the start of every process."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from adapters.sql.engine.database import Database

VERSIONS = Path(__file__).parents[1] / "migrations/versions"


@cache
def required_version() -> str:
    """Return the schema version that this program needs."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("0*.py"))


def current_version(connection: Connection) -> str | None:
    """Return the last migration that was run, None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


async def ensure_migrated(database: Database, target: str = "head") -> str:
    """Run the migrations to `target` unless the schema is there; return the newest version."""
    async with database.reading() as connection:
        version = await connection.run_sync(current_version)
    if target != "head" or version != required_version():
        from adapters.sql.engine.migrate import migrate

        await migrate(database, target)
    return required_version()
