"""The standings of vendors that processes publish, in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from adapters.sql.engine.database import Database
from adapters.sql.notifications.tables import vendor_standings
from core.notifications.delivery import Channel
from core.notifications.ports import VendorStandings
from core.notifications.vendor_standing import Breaker, VendorStanding

STANDING_RETENTION = timedelta(hours=1)
ROWS = vendor_standings.c


class SqlVendorStandings(VendorStandings):
    """A row for each process and vendor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, standings: Sequence[VendorStanding]) -> None:
        first = standings[0]
        replaced = (ROWS.process == first.process) | (ROWS.at < first.at - STANDING_RETENTION)
        async with self._database.writing() as connection:
            await connection.execute(delete(vendor_standings).where(replaced))
            await connection.execute(insert(vendor_standings), [asdict(each) for each in standings])
            await connection.commit()

    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        query = select(vendor_standings).where(ROWS.at >= moment).order_by(ROWS.channel, ROWS.vendor, ROWS.process)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
        return [
            VendorStanding(**{**row, "channel": Channel(row["channel"]), "breaker": Breaker(row["breaker"])})
            for row in rows
        ]
