"""Migrates without loading Alembic when the schema is there: its import would slow the start of every process."""

from sqlalchemy import inspect

from adapters.sql.engine.database import Database
from adapters.sql.engine.driver_errors import AccessRefused
from adapters.sql.engine.schema_version import JOURNAL, current_version, required_version
from core.kernel.schema import MigrationFailed, SchemaChange


async def ensure_migrated(database: Database, target: str = "head", *, may_lose_data: bool = False) -> SchemaChange:
    """Run the migrations to `target` unless the schema is there."""
    try:
        newest = required_version()
        async with database.reading() as connection:
            version, cut = await connection.run_sync(lambda it: (current_version(it), inspect(it).has_table(JOURNAL)))
        if target == "head" and version == newest and not cut:
            return SchemaChange(newest, newest, newest)
        from adapters.sql.engine.migrate import migrate

        return await migrate(database, target, may_lose_data=may_lose_data)
    except AccessRefused as error:  # a repetition is refused as well
        raise MigrationFailed(str(error)) from error
