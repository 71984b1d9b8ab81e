"""Counts of what the memory database holds."""

from collections.abc import Mapping

from adapters.memory.engine.database import MemoryDatabase
from core.messaging.office_figures import OfficeFigures


class MemoryOfficeFigures(OfficeFigures):
    """Counts rows that end with the process."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def rows(self) -> Mapping[str, int]:
        return {"deliveries": len(self._database.deliveries), "dead_letters": len(self._database.dead_letters)}

    async def schema(self) -> str:
        return "none"
