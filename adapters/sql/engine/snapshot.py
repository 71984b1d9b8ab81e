"""Reads of everything as of one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.browsing import browsing
from adapters.sql.engine.database import Database
from core.kernel.errors import Unavailable

BEGIN = {
    "mysql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
    "sqlite": ("BEGIN",),  # its first read fixes what it sees
}


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[AsyncConnection]:
    """Provide a connection whose statements all see what is committed by now.

    Raises `Unavailable` while as many are open as may be: a slow reader of a report keeps its connection.
    """
    if database.snapshots.locked():
        raise Unavailable("this process makes as many reports as it may at a time", retry_after=10)
    async with database.snapshots, browsing(database, repeats=False) as connection:
        for statement in BEGIN[connection.dialect.name]:
            await connection.exec_driver_sql(statement)
        try:
            yield connection
        finally:
            await connection.exec_driver_sql("ROLLBACK")
