"""What of a fee is owed now, in the memory database."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from adapters.memory.engine.database import MemoryDatabase
from core.notifications.ports import OwedFees


class MemoryOwedFees(OwedFees):
    """Reads the account."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, fee: UUID) -> Mapping[str, Any] | None:
        account = self._database.fee_accounts.get(fee)
        return {"owed": msgspec.to_builtins(account.owed)} if account and account.is_debt else None
