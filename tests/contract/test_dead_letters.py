"""The contract of `DeadLetters` and `DeadLetterList`, for every adapter."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.period import Period
from core.kernel.trace import Trace
from core.messaging.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterState,
    LetterAlreadySettled,
    UnknownDeadLetter,
)
from core.messaging.message import Message
from tests.examples import NOON, StoppedClock, a_message, ids

ASHA = Decision(who="asha", why="the roster was mended")


@pytest.fixture
def clock(stored: Application) -> StoppedClock:
    clock = StoppedClock()
    stored.process.clock.override(clock)
    return clock


async def bury(application: Application, *messages: Message, reason: Exception | None = None) -> None:
    async with application.messaging.new_inbox() as inbox:
        for message in messages:
            await inbox.bury(message, reason or Invalid("it makes no sense"))
        await inbox.commit()


async def settle(application: Application, letter: UUID, state: DeadLetterState = DeadLetterState.REPLAYED) -> Message:
    async with application.messaging.new_inbox() as inbox:
        message: Message = await inbox.dead_letters.settle(letter, state, ASHA)
        await inbox.commit()
    return message


async def find(application: Application, letter: UUID) -> DeadLetter:
    found = await application.messaging.dead_letter_list().find(letter)
    assert found is not None
    return found[0]


async def test_a_dead_letter_keeps_its_whole_message(stored: Application, clock: StoppedClock) -> None:
    message = a_message(
        type="Buy\nLunch",
        context="fees.commands",
        version=7,
        data_version=2,
        at=NOON - timedelta(days=3, microseconds=1),
        body=b"\x00\xff not json",
        trace=Trace("request-7", f"00-{'a' * 32}-{'b' * 16}-01"),
        origin={"topic": "t", "headers": "{'ce_id': '\u202e'}"},
    )
    await bury(stored, message)

    found = await stored.messaging.dead_letter_list().find(message.id)

    assert found is not None
    assert found[1] == message
    assert found[0] == DeadLetter(
        id=message.id,
        context="fees.commands",
        type="Buy\nLunch",
        reason="Invalid",
        detail="it makes no sense",
        buried_at=NOON,
    )


async def test_a_dead_letter_is_settled_once(stored: Application, clock: StoppedClock) -> None:
    message = a_message()
    await bury(stored, message)
    clock.pass_by(timedelta(hours=1))

    assert await settle(stored, message.id) == message
    for state in (DeadLetterState.REPLAYED, DeadLetterState.DROPPED):
        with pytest.raises(LetterAlreadySettled, match="it was replayed at 2026-11-20 13:30:00 UTC"):
            await settle(stored, message.id, state)

    settled = await find(stored, message.id)
    assert (settled.state, settled.handled_at) == (DeadLetterState.REPLAYED, NOON + timedelta(hours=1))
    assert (settled.handled_by, settled.why, settled.tries) == ("asha", "the roster was mended", 0)


async def test_of_two_concurrent_settlements_of_a_dead_letter_one_succeeds(stored: Application) -> None:
    message, held, done = a_message(), asyncio.Event(), []
    await bury(stored, message)

    async def hold() -> None:
        async with stored.messaging.new_inbox() as inbox:
            await inbox.dead_letters.settle(message.id, DeadLetterState.REPLAYED, ASHA)
            held.set()
            await asyncio.sleep(0)
            await inbox.commit()
        done.append("first")

    async def follow() -> None:
        await held.wait()
        with pytest.raises(LetterAlreadySettled):
            await settle(stored, message.id, DeadLetterState.DROPPED)
        done.append("second")

    await asyncio.gather(hold(), follow())

    assert sorted(done) == ["first", "second"]
    assert (await find(stored, message.id)).state is DeadLetterState.REPLAYED


async def test_an_uncommitted_settlement_leaves_the_dead_letter_buried(stored: Application) -> None:
    message = a_message()
    await bury(stored, message)
    async with stored.messaging.new_inbox() as inbox:
        await inbox.dead_letters.settle(message.id, DeadLetterState.REPLAYED, ASHA)

    assert (await find(stored, message.id)).state is DeadLetterState.BURIED
    assert await settle(stored, message.id)


async def test_a_failure_is_recorded_only_on_a_buried_dead_letter(stored: Application, clock: StoppedClock) -> None:
    message = a_message()
    await bury(stored, message)

    async def note() -> None:
        async with stored.messaging.new_inbox() as inbox:
            await inbox.dead_letters.record_failed_replay(message.id, Invalid("x" * 10_000), ASHA)
            await inbox.commit()

    for _ in range(2):
        await note()
    noted = await find(stored, message.id)
    await settle(stored, message.id)
    await note()

    assert (noted.reason, noted.detail[:3], noted.tries, noted.handled_by) == ("Invalid", "xxx", 2, "asha")
    assert (await find(stored, message.id)).tries == 2


async def test_settling_an_unknown_dead_letter_is_refused(stored: Application) -> None:
    await bury(stored, a_message())

    with pytest.raises(UnknownDeadLetter):
        await settle(stored, ids.new())
    assert await stored.messaging.dead_letter_list().find(ids.new()) is None


async def test_a_settled_message_that_is_buried_again_is_a_dead_letter_again(stored: Application) -> None:
    message = a_message()
    await bury(stored, message)
    await settle(stored, message.id, DeadLetterState.DROPPED)
    await bury(stored, message, reason=KeyError("once more"))

    assert (await find(stored, message.id)).state is DeadLetterState.BURIED
    assert (await find(stored, message.id)).reason == "KeyError"


async def test_pages_list_every_dead_letter_once_in_both_directions(stored: Application, clock: StoppedClock) -> None:
    messages = [a_message() for _ in range(7)]
    for pair in (messages[:3], messages[3:4], messages[4:]):
        await bury(stored, *pair)
        clock.pass_by(timedelta(microseconds=1))
    dead_letters = stored.messaging.dead_letter_list()

    for walk, names in (
        (dead_letters.oldest, sorted(message.id for message in messages[:3])),
        (dead_letters.newest, sorted((message.id for message in messages[4:]), reverse=True)),
    ):
        seen: list[UUID] = []
        while page := await walk(DeadLetterFilter(), seen[-1] if seen else None, 2):
            seen += [letter.id for letter in page]
        assert seen[:3] == names
        assert sorted(seen) == sorted(message.id for message in messages)
        assert seen[3] == messages[3].id


async def test_a_page_continues_after_a_dead_letter_settled_meanwhile(stored: Application) -> None:
    messages = [a_message() for _ in range(4)]
    await bury(stored, *messages)
    dead_letters, seen = stored.messaging.dead_letter_list(), []
    while page := await dead_letters.oldest(DeadLetterFilter(), seen[-1] if seen else None, 2):
        for letter in page:
            await settle(stored, letter.id)
            seen.append(letter.id)

    assert sorted(seen) == sorted(message.id for message in messages)


@pytest.mark.parametrize("walk", ["newest", "oldest"])
async def test_a_page_after_an_unknown_cursor_is_refused(stored: Application, walk: str) -> None:
    with pytest.raises(UnknownDeadLetter):
        await getattr(stored.messaging.dead_letter_list(), walk)(DeadLetterFilter(), ids.new(), 10)


async def test_dead_letters_are_filtered_by_every_criterion(stored: Application, clock: StoppedClock) -> None:
    early, late, other = a_message(type="A"), a_message(type="A"), a_message(type="B", context="fees.commands")
    await bury(stored, early, reason=KeyError("k"))
    clock.pass_by(timedelta(minutes=1))
    await bury(stored, late, other)
    await settle(stored, other.id, DeadLetterState.DROPPED)
    dead_letters, minute = stored.messaging.dead_letter_list(), NOON + timedelta(minutes=1)

    async def found(**wanted: object) -> set[UUID]:
        which = DeadLetterFilter(**wanted)  # type: ignore[arg-type]
        letters = {letter.id for letter in await dead_letters.newest(which, None, 10)}
        assert letters == {letter.id for letter in await dead_letters.oldest(which, None, 10)}
        assert sum(group.count for group in await dead_letters.count(which)) == len(letters)
        return letters

    assert await found() == {early.id, late.id}
    assert await found(type="A", reason="KeyError") == {early.id}
    assert await found(type="a") == set()
    assert await found(type="B") == set()
    assert await found(type="A\n' OR 1=1 --\x00") == set()
    assert await found(context="fees.commands", state=DeadLetterState.DROPPED) == {other.id}
    assert await found(buried=Period(since=minute)) == {late.id}
    assert await found(buried=Period(until=minute)) == {early.id}


async def test_similar_dead_letters_are_grouped_largest_group_first(stored: Application) -> None:
    await bury(stored, a_message(type="A"), a_message(type="B"), a_message(type="B"))
    await bury(stored, a_message(type="B"), reason=KeyError("k"))

    groups = await stored.messaging.dead_letter_list().count(DeadLetterFilter())

    assert [(each.type, each.reason, each.count) for each in groups] == [
        ("B", "Invalid", 2),
        ("A", "Invalid", 1),
        ("B", "KeyError", 1),
    ]
