"""The version of the schema, read without Alembic, whose import would slow the start of every process."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from adapters.sql.engine.database import Database
from core.kernel.schema import SchemaChange

JOURNAL = "migration_progress"
"""A table that exists only while a migration is under way, and after a cut."""
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


async def ensure_migrated(database: Database, target: str = "head", *, may_lose_data: bool = False) -> SchemaChange:
    """Run the migrations to `target` unless the schema is there."""
    newest = required_version()
    async with database.reading() as connection:
        version, cut = await connection.run_sync(lambda sync: (current_version(sync), inspect(sync).has_table(JOURNAL)))
    if target == "head" and version == newest and not cut:
        return SchemaChange(newest, newest, newest)
    from adapters.sql.engine.migrate import migrate

    return await migrate(database, target, may_lose_data=may_lose_data)


def is_newer(version: str | None, newest: str) -> bool:
    """Return whether a version is one of a later program."""
    return bool(re.fullmatch(r"\d{4}", version or "")) and (version or "") > newest
