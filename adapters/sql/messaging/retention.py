"""The deletion of expired records in SQL."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_, update

from adapters.sql.engine.database import Database
from adapters.sql.schema import metadata
from core.messaging.retention import RetainedRecords, Retention

MOMENTS = {
    RetainedRecords.REQUESTS: ("requests", "at"),
    RetainedRecords.INBOX: ("inbox", "at"),
    RetainedRecords.SIGN_INS: ("pending_sign_ins", "at"),
    RetainedRecords.SESSIONS: ("sessions", "expires_at"),
    RetainedRecords.LINKS: ("passwords", "link_expires_at"),
    RetainedRecords.SECRETS: ("one_time_secrets", "expires_at"),
    RetainedRecords.WEBHOOKS: ("webhooks", "received_at"),
}
"""The table, and its column with the moment from which a row is kept."""
NO_LINK = {"link_digest": None, "link_expires_at": None}


class SqlRetention(Retention):
    """Deletes expired rows by their primary keys, `limit` at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def purge(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        name, column = MOMENTS[memory]
        table, moment = metadata.tables[name], metadata.tables[name].c[column]
        keys = list(table.primary_key.columns)
        async with self._database.writing() as connection:
            oldest = select(*keys).where(moment < before).order_by(moment).limit(limit)
            rows = (await connection.execute(oldest.with_for_update(skip_locked=True))).all()
            if rows:
                gone = update(table).values(NO_LINK) if memory is RetainedRecords.LINKS else delete(table)
                # Without the hint MySQL may scan the table, and a scan waits for every uncommitted row.
                hint = f"/*+ INDEX({table.name} PRIMARY) */"
                found = tuple_(*keys).in_([tuple(row) for row in rows])
                await connection.execute(gone.where(found).prefix_with(hint, dialect="mysql"))
            await connection.commit()
        return len(rows)
