"""Counts of what is stored in SQL."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select, text

from adapters.sql.engine.database import Database
from adapters.sql.engine.schema_version import current_version
from adapters.sql.messaging.tables import dead_letters
from adapters.sql.notifications.tables import deliveries
from adapters.sql.schema import metadata
from core.messaging.dead_letters import DeadLetterState
from core.messaging.waiting_work import OfficeFigures, WaitingWork
from core.notifications.delivery import DeliveryState

UNFINISHED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.UNDECIDED)
ESTIMATES = text("SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()")


class SqlOfficeFigures(OfficeFigures):
    """Reads indexes of unfinished work, never whole tables on MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> Sequence[WaitingWork]:
        of, letter = deliveries.c, dead_letters.c
        since = func.min(func.coalesce(of.in_doubt_since, of.due_at, type_=of.due_at.type))
        by_state = select(of.state, func.count(), since).where(of.state.in_(UNFINISHED)).group_by(of.state)
        letters = select(func.count(), func.min(letter.at)).where(letter.state == DeadLetterState.BURIED)
        async with self._database.reading() as connection:
            found = {state: (count, oldest) for state, count, oldest in await connection.execute(by_state)}
            buried = (await connection.execute(letters)).one()
        told = [WaitingWork(f"deliveries {state}", *found.get(state.value, (0, None))) for state in UNFINISHED]
        return [*told, WaitingWork("dead letters", *buried)]

    async def rows(self) -> Mapping[str, int]:
        async with self._database.reading() as connection:
            if connection.dialect.name == "mysql":
                return {name: count or 0 for name, count in await connection.execute(ESTIMATES)}
            counts = {table.name: select(func.count()).select_from(table) for table in metadata.sorted_tables}
            return {name: await connection.scalar(count) or 0 for name, count in counts.items()}

    async def schema(self) -> str:
        async with self._database.reading() as connection:
            return await connection.run_sync(current_version) or "none"
