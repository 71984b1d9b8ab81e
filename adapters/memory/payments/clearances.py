"""The fees of a schedule in the memory database."""

from collections.abc import Sequence
from copy import deepcopy
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.payments.ports import Clearances, ListedFee
from core.students.student import Enrolment


class MemoryClearances(Clearances):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, schedule: str, centre: str, after: UUID | None, limit: int) -> Sequence[ListedFee]:
        enrolments: dict[UUID, Enrolment] = {each.id: each.enrolment for each in self._database.students.values()}
        found = []
        for submission, account in sorted(self._database.fee_accounts.items()):
            enrolment = enrolments.get(account.student)
            listed = ListedFee(
                account=deepcopy(account),
                registration=enrolment.registration if enrolment else "",
                centre=enrolment.centre if enrolment else "",
            )
            if account.schedule == schedule and (not after or submission > after) and centre in ("", listed.centre):
                found.append(listed)
        return found[:limit]
