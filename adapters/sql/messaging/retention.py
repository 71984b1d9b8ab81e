"""The deletion of expired records in SQL."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import requests
from adapters.sql.identity.link_tables import pending_sign_ins
from adapters.sql.identity.secret_tables import one_time_secrets
from adapters.sql.messaging.tables import inbox
from core.messaging.retention import RetainedRecords, Retention

AGES = {
    RetainedRecords.REQUESTS: requests.c.at,
    RetainedRecords.INBOX: inbox.c.at,
    RetainedRecords.SIGN_INS: pending_sign_ins.c.at,
    RetainedRecords.SECRETS: one_time_secrets.c.expires_at,
}
"""The column with the moment from which a record of each kind is kept."""


class SqlRetention(Retention):
    """Deletes expired rows by their primary keys, `limit` at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def purge(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        at = AGES[memory]
        table = at.table
        keys = list(table.primary_key.columns)
        async with self._database.writing() as connection:
            oldest = select(*keys).where(at < before).order_by(at).limit(limit)
            rows = (await connection.execute(oldest.with_for_update(skip_locked=True))).all()
            if rows:
                gone = delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows]))
                # Without the hint MySQL may scan the table, and a scan waits for every uncommitted row.
                hint = f"/*+ INDEX({table.name} PRIMARY) */"
                await connection.execute(gone.prefix_with(hint, dialect="mysql"))
            await connection.commit()
        return len(rows)
