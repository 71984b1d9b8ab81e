"""Second factors in the memory database."""

from functools import partial
from uuid import UUID

from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.second_factor import SecondFactor
from core.identity.second_factor_ports import SecondFactors
from core.kernel.errors import Conflict


class MemorySecondFactors(SecondFactors):
    """Second factors by account."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def lock(self, account: UUID) -> SecondFactor | None:
        return self._work.database.second_factors.get(account)

    def add(self, factor: SecondFactor) -> None:
        self._work.inserts.append(partial(self._add, factor))

    def replace(self, factor: SecondFactor) -> None:
        table = self._work.database.second_factors
        self._work.inserts.append(partial(self._work.undo_log.put, table, factor.account, factor))

    async def remove(self, account: UUID) -> None:
        self._work.undo_log.remove(self._work.database.second_factors, account)

    def _add(self, factor: SecondFactor) -> None:
        table = self._work.database.second_factors
        if factor.account in table:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(table, factor.account, factor)
