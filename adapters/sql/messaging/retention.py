"""The deletion of expired records in SQL."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import requests
from adapters.sql.identity.link_tables import pending_sign_ins
from adapters.sql.messaging.tables import inbox
from core.messaging.retention import RetainedRecords, Retention

TABLES = {RetainedRecords.REQUESTS: requests, RetainedRecords.INBOX: inbox, RetainedRecords.SIGN_INS: pending_sign_ins}


class SqlRetention(Retention):
    """Deletes expired rows by their primary keys, `limit` at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def purge(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        table = TABLES[memory]
        keys = list(table.primary_key.columns)
        async with self._database.writing() as connection:
            oldest = select(*keys).where(table.c.at < before).order_by(table.c.at).limit(limit)
            rows = (await connection.execute(oldest.with_for_update(skip_locked=True))).all()
            if rows:
                gone = delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows]))
                # Without the hint MySQL may scan the table, and a scan waits for every uncommitted row.
                hint = f"/*+ INDEX({table.name} PRIMARY) */"
                await connection.execute(gone.prefix_with(hint, dialect="mysql"))
            await connection.commit()
        return len(rows)
