"""The daily sums of busy accounts in SQL."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Date, Dialect, Insert, Select, delete, func, select, update
from sqlalchemy.dialects import mysql, sqlite

from adapters.sql.engine.database import Database
from adapters.sql.engine.tables import insert_ignore
from adapters.sql.ledger.tables import daily_sums, postings, unsummed_postings
from core.ledger.account import AccountKind
from core.ledger.ports import PostingSums

KEY = ("account", "currency", "day")


class Key(NamedTuple):
    """What a sum is of."""

    account: str
    currency: str
    day: date


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

    async def add_up_again(self) -> int:
        """Compute every sum from the postings; return how many were wrong or missing."""
        keys = set[Key]()
        async with self._database.reading() as connection:
            for query in (POSTED_KEYS, CREDITED_KEYS, SUMMED_KEYS):
                keys |= {Key(*row) for row in await connection.execute(query)}
        return sum([await self._add_up_again(key) for key in sorted(keys)])

    async def _add_up_again(self, key: Key) -> bool:
        async with self._database.transaction() as (connection, transaction):
            await connection.execute(insert_ignore(daily_sums).values(**key._asdict(), sum_minor=0))
            theirs = [daily_sums.c[name] == value for name, value in key._asdict().items()]
            # `add_up` waits for this lock, so what it has moved is in the sum, and the rest in `unsummed_postings`.
            stored = await connection.scalar(select(daily_sums.c.sum_minor).where(*theirs).with_for_update())
            sum_minor = await connection.scalar(select(posted_and_not_in(key)))
            if wrong := stored != sum_minor:
                await connection.execute(update(daily_sums).where(*theirs).values(sum_minor=sum_minor))
                await transaction.commit()
        return wrong


def keys_of(account: Column[Any]) -> Select[Any]:
    """Select the keys of the sums that postings belong to."""
    day = func.date(postings.c.at, type_=Date)
    return (
        select(account, postings.c.currency, day)
        .where(account.not_like(f"{AccountKind.CANDIDATE}:%"))
        .group_by(account, postings.c.currency, day)
    )


POSTED_KEYS, CREDITED_KEYS = keys_of(postings.c.debit), keys_of(postings.c.credit)
SUMMED_KEYS = select(*[daily_sums.c[name] for name in KEY])


def posted_and_not_in(key: Key) -> ColumnElement[int]:
    """Return what is posted in a day, less what waits to be added up; one statement sees both as of one moment."""
    begin = datetime.combine(key.day, time.min, UTC)
    minor, same_day = (
        postings.c.amount_minor,
        [
            postings.c.currency == key.currency,
            postings.c.at >= begin,
            postings.c.at < begin + timedelta(days=1),
        ],
    )
    waiting = unsummed_postings.c
    parts = [
        (minor, [postings.c.debit == key.account, *same_day]),
        (-minor, [postings.c.credit == key.account, *same_day]),
        (-waiting.amount_minor, [waiting[name] == value for name, value in key._asdict().items()]),
    ]
    sums = [select(func.coalesce(func.sum(amount), 0)).where(*which).scalar_subquery() for amount, which in parts]
    return sums[0] + sums[1] + sums[2]


def adding(dialect: Dialect) -> Insert:
    """Return an insert that adds to an existing sum."""
    if dialect.name == "mysql":
        new = mysql.insert(daily_sums)
        return new.on_duplicate_key_update(sum_minor=daily_sums.c.sum_minor + new.inserted.sum_minor)
    added = sqlite.insert(daily_sums)
    total = daily_sums.c.sum_minor + added.excluded.sum_minor
    return added.on_conflict_do_update(index_elements=KEY, set_={"sum_minor": total})
