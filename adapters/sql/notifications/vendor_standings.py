"""The standings of vendors that processes publish, in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_

from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import replacing
from adapters.sql.notifications.tables import vendor_standings
from core.notifications.delivery import Channel
from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import Breaker, VendorStanding

STANDING_RETENTION = timedelta(hours=1)
ROWS = vendor_standings.c
REPLACE = replacing(vendor_standings)


class SqlVendorStandings(VendorStandings):
    """A row for each process and vendor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, standings: Sequence[VendorStanding]) -> None:
        first, kept = standings[0], [(each.channel, each.vendor) for each in standings]
        missing = (ROWS.process == first.process) & tuple_(ROWS.channel, ROWS.vendor).not_in(kept)
        # Each statement is a transaction: one of them all could deadlock with that of another process.
        async with self._database.autocommit() as connection:
            for gone in (ROWS.at < first.at - STANDING_RETENTION, missing):
                await connection.execute(delete(vendor_standings).where(gone))
            await connection.execute(REPLACE(connection.dialect), [asdict(each) for each in standings])

    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        query = select(vendor_standings).where(ROWS.at >= moment).order_by(ROWS.channel, ROWS.vendor, ROWS.process)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
        return [
            VendorStanding(**{**row, "channel": Channel(row["channel"]), "breaker": Breaker(row["breaker"])})
            for row in rows
        ]
