"""Runs schema migrations with Alembic."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database

MIGRATIONS = Path(__file__).parents[1] / "migrations"


async def migrate(database: Database, target: str = "head") -> None:
    """Run the migrations from the current version to `target`.

    A target is `head`, `base`, a revision, or relative steps: `+1`, `-1`.
    """
    config = configuration()

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        move = command.downgrade if target == "base" or target.startswith("-") else command.upgrade
        move(config, target)

    async with database.writing() as connection:
        await disable_read_timeout(connection)
        await connection.run_sync(run)
        await connection.commit()
        await connection.invalidate()  # the pool must not reuse a connection without a timeout


async def disable_read_timeout(connection: AsyncConnection) -> None:
    """Remove the read timeout: an index on millions of rows takes minutes, and MySQL DDL cannot be rolled back."""
    if connection.dialect.name == "mysql":
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw._read_timeout = None  # noqa: SLF001 - public only at connect


def configuration() -> Config:
    """Return the configuration of Alembic."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
