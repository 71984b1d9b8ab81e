"""What processes say of the vendors, in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from adapters.sql.database import Database
from adapters.sql.tables import vendor_reports
from core.notifications.delivery import Channel
from core.notifications.ports import VendorReports
from core.notifications.vendors import Breaker, VendorReport

FORGOTTEN = timedelta(hours=1)
ROWS = vendor_reports.c


class SqlVendorReports(VendorReports):
    """One row for each process and vendor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, reports: Sequence[VendorReport]) -> None:
        first = reports[0]
        replaced = (ROWS.process == first.process) | (ROWS.at < first.at - FORGOTTEN)
        async with self._database.writing() as connection:
            await connection.execute(delete(vendor_reports).where(replaced))
            await connection.execute(insert(vendor_reports), [asdict(report) for report in reports])
            await connection.commit()

    async def since(self, moment: datetime) -> Sequence[VendorReport]:
        query = select(vendor_reports).where(ROWS.at >= moment).order_by(ROWS.channel, ROWS.vendor, ROWS.process)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings()
        return [
            VendorReport(**{**row, "channel": Channel(row["channel"]), "breaker": Breaker(row["breaker"])})
            for row in rows
        ]
