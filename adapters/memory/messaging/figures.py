"""Counts of what the memory database holds."""

from collections.abc import Mapping
from dataclasses import fields

from adapters.memory.engine.database import MemoryDatabase
from core.messaging.office_figures import OfficeFigures


class MemoryOfficeFigures(OfficeFigures):
    """Counts rows that end with the process."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def rows(self) -> Mapping[str, int]:
        tables = ((each.name, getattr(self._database, each.name)) for each in fields(self._database))
        return {name: len(table) for name, table in tables if isinstance(table, dict | list)}

    async def schema(self) -> str:
        return "none"
