"""The daily sums of busy accounts in SQL."""

from collections import defaultdict

from sqlalchemy import Dialect, Insert, delete, select
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.database import Database
from adapters.sql.ledger.tables import daily_sums, unsummed_postings
from core.ledger.ports import PostingSums

KEY = ("account", "currency", "day")


class SqlPostingSums(PostingSums):
    """Moves rows from `unsummed_postings` into `daily_sums`, each in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_up(self, limit: int) -> int:
        async with self._database.transaction() as (connection, transaction):
            # Rows of open transactions are locked: their turn comes when these have ended.
            waiting = select(unsummed_postings).order_by(unsummed_postings.c.position).limit(limit)
            rows = (await connection.execute(waiting.with_for_update(skip_locked=True))).all()
            added = defaultdict[tuple[object, ...], int](int)
            for row in rows:
                added[tuple(getattr(row, name) for name in KEY)] += row.amount_minor
            # In key order: two schedulers that add to the same sums cannot deadlock.
            sums = [dict(zip(KEY, key, strict=True)) | {"sum_minor": added[key]} for key in sorted(added, key=repr)]
            if sums:
                await connection.execute(adding(connection.dialect), sums)
                positions = [row.position for row in rows]
                await connection.execute(delete(unsummed_postings).where(unsummed_postings.c.position.in_(positions)))
                await transaction.commit()
        return len(rows)


def adding(dialect: Dialect) -> Insert:
    """Return an insert that adds to an existing sum."""
    if dialect.name == "mysql":
        new = mysql.insert(daily_sums)
        return new.on_duplicate_key_update(sum_minor=daily_sums.c.sum_minor + new.inserted.sum_minor)
    added = sqlite.insert(daily_sums)
    total = daily_sums.c.sum_minor + added.excluded.sum_minor
    return added.on_conflict_do_update(index_elements=KEY, set_={"sum_minor": total})
