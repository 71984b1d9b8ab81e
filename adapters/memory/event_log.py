"""The log of events in a dictionary."""

from adapters.memory.store import Store
from core.shared.dead_letters import LetterState
from core.shared.decisions import Decision
from core.shared.event_log import EventLog, EventReplay, LoggedEvent, LogPage, Place, in_version_order
from core.shared.ids import Ids
from core.shared.messages import Message


class MemoryEventLog(EventLog):
    """The log with the inbox of one consumer beside it."""

    def __init__(self, consumer: str, store: Store, ids: Ids) -> None:
        self._consumer, self._store, self._ids = consumer, store, ids

    async def page(self, which: EventReplay, after: Place | None, limit: int) -> LogPage:
        meant = self._meant(which)
        page = [place for place in meant if after is None or place > after][:limit]
        events = [self._store.events[event] for event in in_version_order(page, meant)]
        return LogPage([self._logged(event) for event in events], page[-1] if page else None)

    async def begin(self, which: EventReplay, decision: Decision) -> None:
        self._store.replays[self._ids.new()] = which, decision

    def _logged(self, event: Message) -> LoggedEvent:
        key = self._consumer, event.id
        letter, _ = self._store.dead_letters.get(key, (None, event))
        return LoggedEvent(event, key in self._store.inbox, letter is not None and letter.state != LetterState.REPLAYED)

    def _meant(self, which: EventReplay) -> list[Place]:
        return sorted(
            Place(event.at, event.id, event.subject, event.version)
            for event in self._store.events.values()
            if which.period.since <= event.at < which.period.until and which.type in (None, event.type)
        )
