"""Counts of what the memory database holds."""

from collections.abc import Mapping, Sequence

from adapters.memory.engine.database import MemoryDatabase
from core.messaging.dead_letters import DeadLetterState
from core.messaging.waiting_work import OfficeFigures, WaitingWork
from core.notifications.delivery import DeliveryState

UNFINISHED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.UNDECIDED)


class MemoryOfficeFigures(OfficeFigures):
    """Counts rows that end with the process."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def waiting(self) -> Sequence[WaitingWork]:
        found = []
        for state in UNFINISHED:
            ages = [
                each.in_doubt_since or each.due_at for each in self._database.deliveries.values() if each.state == state
            ]
            found.append(WaitingWork(f"deliveries {state}", len(ages), min(ages, default=None)))
        buried = [
            letter.buried_at
            for letter, _ in self._database.dead_letters.values()
            if letter.state is DeadLetterState.BURIED
        ]
        return [*found, WaitingWork("dead letters", len(buried), min(buried, default=None))]

    async def rows(self) -> Mapping[str, int]:
        return {"deliveries": len(self._database.deliveries), "dead_letters": len(self._database.dead_letters)}

    async def schema(self) -> str:
        return "none"
