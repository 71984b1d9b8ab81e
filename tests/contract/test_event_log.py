"""The contract of `EventLog`, for every adapter."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from adapters.memory.engine.database import MemoryDatabase
from adapters.sql.messaging.tables import replays
from config.container import Application
from core.fees.submission import FeeSubmitted
from core.kernel.decisions import Decision
from core.kernel.events import Event
from core.kernel.period import Period
from core.messaging.dead_letters import DeadLetterState
from core.messaging.event_log import EventReplay, LoggedEvent
from core.messaging.inbox import MessageBuried
from core.messaging.message import Message
from tests.examples import NOON, a_submission, ids
from tests.units_of_work import any_work

SECOND = timedelta(seconds=1)


def an_event(subject: UUID | None = None, *, version: int = 1, at: datetime = NOON) -> FeeSubmitted:
    _, submitted = a_submission()
    return replace(submitted, subject=subject or ids.new(), version=version, at=at)


async def log(application: Application, *events: Event) -> None:
    """Record events, each in a transaction of its own."""
    for event in events:
        async with any_work(application) as work:
            work.record(event)
            await work.commit()


def wanted(**changes: Any) -> EventReplay:
    return EventReplay(**({"consumer": "bursar", "period": Period()} | changes))


async def walk(application: Application, which: EventReplay | None = None, limit: int = 2) -> list[LoggedEvent]:
    """Return the events of all pages."""
    events: list[LoggedEvent] = []
    after = None
    while True:
        page = await application.messaging.event_log().page(which or wanted(), after, limit)
        if page.last is None:
            return events
        events += page.events
        after = page.last


def places(events: list[LoggedEvent]) -> list[tuple[UUID, int]]:
    return [(each.message.subject, each.message.version) for each in events]


async def test_events_come_back_as_they_were_recorded_by_time(stored: Application) -> None:
    events = [an_event(at=NOON + SECOND * number) for number in (3, 1, 2, 5, 4)]
    await log(stored, *events)

    found = await walk(stored)

    in_time = sorted(events, key=lambda event: event.at)
    assert [each.message.subject for each in found] == [event.subject for event in in_time]
    async with stored.messaging.new_inbox() as inbox:
        for each in found:
            await inbox.deduplicate(each.message)
        await inbox.commit()
    relayed: list[Message] = [each.message for each in await outgoing(stored)]
    assert sorted(relayed, key=lambda message: message.at) == [each.message for each in found]


async def outgoing(application: Application) -> Any:
    outbox = application.messaging.outbox()
    await outbox.renew(60)
    return await outbox.unpublished(100)


async def test_events_of_one_moment_are_all_there(stored: Application) -> None:
    events = [an_event() for _ in range(9)]
    await log(stored, *events)

    assert {subject for subject, _ in places(await walk(stored))} == {event.subject for event in events}
    assert len(await walk(stored)) == 9


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_events_of_one_aggregate_keep_their_order_whatever_the_clocks_said(
    stored: Application, limit: int
) -> None:
    one, other = ids.new(), ids.new()
    offsets = [5, 0, 7, 6, 1]
    ones = [an_event(one, version=number, at=NOON + SECOND * at) for number, at in enumerate(offsets, 1)]
    others = [an_event(other, version=number, at=NOON + SECOND * at) for number, at in enumerate([2, 3], 1)]
    await log(stored, *ones, *others)

    found = places(await walk(stored, limit=limit))

    assert [version for subject, version in found if subject == one] == [1, 2, 3, 4, 5]
    assert [version for subject, version in found if subject == other] == [1, 2]
    assert len(found) == 7


async def test_only_the_period_and_the_type_that_are_wanted_come(stored: Application) -> None:
    early, inside, late = (an_event(at=NOON + SECOND * number) for number in range(3))
    other = MessageBuried(
        at=NOON + SECOND,
        subject=ids.new(),
        version=1,
        message=ids.new(),
        buried_in="fees",
        type="x",
        reason="y",
        detail="z",
        origin={},
        payload=b"",
    )
    await log(stored, early, inside, late, other)
    period = Period(since=NOON + SECOND, until=NOON + SECOND * 2)

    assert {each[0] for each in places(await walk(stored, wanted(period=period)))} == {inside.subject, other.subject}
    typed = await walk(stored, wanted(period=period, type="FeeSubmitted"))
    assert [each[0] for each in places(typed)] == [inside.subject]
    assert await walk(stored, wanted(type="fee' OR 1=1 --")) == []


async def test_a_logged_event_shows_whether_its_consumer_processed_it(stored: Application) -> None:
    await log(stored, an_event(), an_event(at=NOON + SECOND))
    first, _ = await walk(stored)
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(first.message)
        await inbox.commit()

    assert [each.in_inbox for each in await walk(stored)] == [True, False]


async def test_an_event_tells_whether_it_is_a_dead_letter_of_its_consumer(stored: Application) -> None:
    await log(stored, *(an_event(at=NOON + SECOND * number) for number in range(4)))
    waiting, dropped, replayed, _ = (each.message for each in await walk(stored))
    async with stored.messaging.new_inbox() as inbox:
        for message in (waiting, dropped, replayed):
            await inbox.bury(message, KeyError("x"))
        for letter, state in ((dropped, DeadLetterState.DROPPED), (replayed, DeadLetterState.REPLAYED)):
            await inbox.dead_letters.settle(letter.id, state, Decision(who="asha", why="a test"))
        await inbox.commit()

    assert [each.buried for each in await walk(stored)] == [True, True, False, False]


async def test_a_replay_records_its_author_and_reason(stored: Application) -> None:
    which = wanted(type="FeeSubmitted", send=True)
    await stored.messaging.event_log().record_replay(which, Decision(who="asha", why="a table was lost"))

    database = stored.storage.database()
    if isinstance(database, MemoryDatabase):
        assert list(database.replays.values()) == [(which, Decision(who="asha", why="a table was lost"))]
        return
    async with database.reading() as connection:
        [row] = await connection.execute(select(replays))
    assert (row.consumer, row.type, row.send, row.who) == ("bursar", "FeeSubmitted", True, "asha")
    assert (row.since, row.until, row.why) == (which.period.since, which.period.until, "a table was lost")
