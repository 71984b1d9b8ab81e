"""Dead letters in the memory database."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase, UndoLog
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.messaging.dead_letters import (
    MAX_TYPE_LENGTH,
    DeadLetter,
    DeadLetterFilter,
    DeadLetterGroup,
    DeadLetterList,
    DeadLetters,
    DeadLetterState,
    LetterAlreadySettled,
    UnknownDeadLetter,
    reason_and_detail,
)
from core.messaging.message import Message


class MemoryDeadLetters(DeadLetters):
    """The dead letters of one consumer, in a transaction of its inbox."""

    def __init__(self, consumer: str, database: MemoryDatabase, transaction: UndoLog, clock: Clock) -> None:
        self._consumer, self._database, self._transaction, self._clock = consumer, database, transaction, clock

    async def settle(self, letter: UUID, state: DeadLetterState, decision: Decision) -> Message:
        found = self._database.dead_letters.get((self._consumer, letter))
        if found is None:
            raise UnknownDeadLetter.with_id(letter)
        if found[0].state is not DeadLetterState.BURIED:
            raise LetterAlreadySettled.since(found[0].state, found[0].handled_at)
        self._change(letter, decision, state=state)
        return found[1]

    async def record_failed_replay(self, letter: UUID, failure: Exception, decision: Decision) -> None:
        known, _ = self._database.dead_letters[self._consumer, letter]
        if known.state is DeadLetterState.BURIED:
            self._change(letter, decision, tries=known.tries + 1, **reason_and_detail(failure))

    def _change(self, letter: UUID, decision: Decision, **values: Any) -> None:
        known, message = self._database.dead_letters[self._consumer, letter]
        now = self._clock.now()
        changed = replace(known, handled_at=now, handled_by=decision.who, why=decision.why, **values)
        self._transaction.put(self._database.dead_letters, (self._consumer, letter), (changed, message))


class MemoryDeadLetterList(DeadLetterList):
    """The dead letters of one consumer."""

    def __init__(self, consumer: str, database: MemoryDatabase) -> None:
        self._consumer, self._database = consumer, database

    async def find(self, letter: UUID) -> tuple[DeadLetter, Message] | None:
        return self._database.dead_letters.get((self._consumer, letter))

    async def newest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        last = self._place(after)
        found = [each for each in self._all(which) if last is None or place(each) < last]
        return sorted(found, key=place, reverse=True)[:limit]

    async def oldest(self, which: DeadLetterFilter, after: UUID | None, limit: int) -> Sequence[DeadLetter]:
        last = self._place(after)
        return sorted((each for each in self._all(which) if last is None or place(each) > last), key=place)[:limit]

    async def count(self, which: DeadLetterFilter) -> Sequence[DeadLetterGroup]:
        kinds = Counter((each.context, each.type, each.reason) for each in self._all(which))
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        return [DeadLetterGroup(context=kind[0], type=kind[1], reason=kind[2], count=count) for kind, count in ranked]

    def _place(self, letter: UUID | None) -> tuple[datetime, UUID] | None:
        if letter is None:
            return None
        found = self._database.dead_letters.get((self._consumer, letter))
        if found is None:
            raise UnknownDeadLetter.to_continue_after(letter)
        return place(found[0])

    def _all(self, which: DeadLetterFilter) -> list[DeadLetter]:
        return [
            letter
            for (consumer, _), (letter, _) in self._database.dead_letters.items()
            if consumer == self._consumer
            and letter.state is which.state
            and which.buried.since <= letter.buried_at < which.buried.until
            and all(getattr(letter, name) == text for name, text in which.names.items())
        ]


def dead_letter_of(message: Message, reason: Exception, at: datetime) -> DeadLetter:
    """Return the dead letter for a message."""
    kind = message.type[:MAX_TYPE_LENGTH]
    return DeadLetter(id=message.id, context=message.context, type=kind, buried_at=at, **reason_and_detail(reason))


def place(letter: DeadLetter) -> tuple[datetime, UUID]:
    """Return the sort key of a dead letter."""
    return letter.buried_at, letter.id
