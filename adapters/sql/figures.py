"""Counts of what is stored in SQL."""

from collections.abc import Mapping

from sqlalchemy import func, select, text

from adapters.sql.engine.database import Database
from adapters.sql.engine.schema_version import current_version
from adapters.sql.schema import metadata
from core.messaging.office_figures import OfficeFigures

ESTIMATES = text("SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()")


class SqlOfficeFigures(OfficeFigures):
    """Reads no whole table on MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self) -> Mapping[str, int]:
        async with self._database.reading() as connection:
            if connection.dialect.name == "mysql":
                return {name: count or 0 for name, count in await connection.execute(ESTIMATES)}
            counts = {table.name: select(func.count()).select_from(table) for table in metadata.sorted_tables}
            return {name: await connection.scalar(count) or 0 for name, count in counts.items()}

    async def schema(self) -> str:
        async with self._database.reading() as connection:
            return await connection.run_sync(current_version) or "none"
