"""The event log of the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from core.kernel.decisions import Decision
from core.kernel.ids import Ids
from core.messaging.dead_letters import DeadLetterState
from core.messaging.event_log import EventLog, EventLogPage, EventReplay, LoggedEvent, LogPosition, in_version_order
from core.messaging.message import Message


class MemoryEventLog(EventLog):
    """Logged events, with whether one consumer handled or buried them."""

    def __init__(self, consumer: str, database: MemoryDatabase, ids: Ids) -> None:
        self._consumer, self._database, self._ids = consumer, database, ids

    async def page(self, which: EventReplay, after: LogPosition | None, limit: int) -> EventLogPage:
        selected = self._selected(which)
        page = [place for place in selected if after is None or place > after][:limit]
        events = [self._database.events[event] for event in in_version_order(page, selected)]
        return EventLogPage([self._logged(event) for event in events], page[-1] if page else None)

    async def record_replay(self, which: EventReplay, decision: Decision) -> None:
        self._database.replays[self._ids.new()] = which, decision

    def _logged(self, event: Message) -> LoggedEvent:
        key = self._consumer, event.id
        letter, _ = self._database.dead_letters.get(key, (None, event))
        return LoggedEvent(
            event, key in self._database.inbox, letter is not None and letter.state != DeadLetterState.REPLAYED
        )

    def _selected(self, which: EventReplay) -> list[LogPosition]:
        return sorted(
            LogPosition(event.at, event.id, event.subject, event.version)
            for event in self._database.events.values()
            if which.period.since <= event.at < which.period.until and which.type in (None, event.type)
        )
