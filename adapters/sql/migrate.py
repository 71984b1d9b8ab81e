"""Bring the schema of a database up (or down) to a version."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database, target: str = "head") -> None:
    """Run the migrations between the present version and `target`.

    A target is `head`, `base`, a revision, or steps from here: `+1`, `-1`.
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
        await connection.invalidate()  # nobody else shall wait that long


async def disable_read_timeout(connection: AsyncConnection) -> None:
    """Let a statement take its time: to index millions of rows takes minutes, and MySQL takes back no half of it."""
    if connection.dialect.name == "mysql":
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw._read_timeout = None  # noqa: SLF001 - it can be given only when connecting


def configuration() -> Config:
    """Return Alembic's view of us."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
