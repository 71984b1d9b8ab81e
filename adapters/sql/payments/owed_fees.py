"""What of a fee is owed now, in SQL."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from adapters.sql.engine.database import Database
from adapters.sql.payments.accounts import read_accounts
from adapters.sql.payments.tables import fee_accounts
from core.notifications.ports import OwedFees


class SqlOwedFees(OwedFees):
    """Reads committed rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, fee: UUID, instalment: int) -> Mapping[str, Any] | None:
        async with self._database.reading() as connection:
            found = await read_accounts(connection, select(fee_accounts).where(fee_accounts.c.submission_id == fee))
        account = found.get(fee)
        owed = account and account.debt_up_to(instalment)
        return {"owed": msgspec.to_builtins(owed)} if owed else None
