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

    async def find(self, fee: UUID, instalment: int) -> Mapping[str, Any] | None:
        account = self._database.fee_accounts.get(fee)
        owed = account and account.debt_up_to(instalment)
        return {"owed": msgspec.to_builtins(owed)} if owed else None
