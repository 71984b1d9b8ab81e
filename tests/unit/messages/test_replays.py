import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Invalid, Unavailable
from core.kernel.pace import Pace
from core.kernel.period import Period
from core.kernel.trace import Trace
from core.messaging.dead_letters import (
    DeadLetter,
    DeadLetterFilter,
    DeadLetterState,
    LetterAlreadySettled,
    LetterStillBuried,
    NotUnderstoodHere,
)
from core.messaging.event_log import EventReplay, UnknownConsumer
from core.messaging.message import Message
from core.messaging.replay_events import ReplayProgress
from core.notifications.delivery import Delivery
from entrypoints.messages.replays import with_replays
from tests.examples import NOON
from tests.unit.messages.harness import Office, a_command, a_raw_command

ASHA = Decision(who="asha", why="the roster was mended")
A_TRACE = Trace("request-7", f"00-{'a' * 32}-{'b' * 16}-01")


class ReplayHarness(Office):
    """A fee office with somebody on duty."""

    def __init__(self) -> None:
        super().__init__()
        self.duty = with_replays(self.use_cases)
        self.failing: Exception | None = None

    async def replay(self, message: Message) -> None:
        await self.duty["replay_dead_letter"]()(message.id, ASHA)

    async def bury(self, *messages: Message) -> None:
        """Let messages fail on the way in."""
        async with self.application.driven.new_inbox() as inbox:
            for message in messages:
                await inbox.deduplicate(message)
                await inbox.bury(message, Invalid("it makes no sense"))
            await inbox.commit()
        self.clock.pass_by(timedelta(minutes=1))

    def letter(self, message: Message) -> DeadLetter:
        return self.store.dead_letters["bursar", message.id][0]

    async def rebuild(
        self, *, pace: Pace | None = None, **changes: Any
    ) -> tuple[ReplayProgress, dict[UUID, Exception]]:
        """Replay events, and return what it came to."""
        seen: list[ReplayProgress] = [ReplayProgress(NOON)]
        failed: dict[UUID, Exception] = {}

        def told(progress: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
            seen.append(progress)
            failed.update(failures)

        which = EventReplay(**({"consumer": "bursar", "period": Period(until=self.clock.now())} | changes))
        await self.duty["replay_events"](which.send)(which, ASHA, Pace(), told)
        return seen[-1], failed

    async def submitted_and_taken(self, *registrations: str) -> list[Message]:
        """Submit fees, and let their events be taken in."""
        await self.consume([a_command(each) for each in registrations])
        self.clock.pass_by(timedelta(seconds=1))
        events = [each for each in self.store.events.values() if each.type == "FeeSubmitted"]
        await self.consume(events)
        return events

    @property
    def owed(self) -> list[Delivery]:
        return sorted(self.store.deliveries.values(), key=lambda each: (each.notice, each.channel))


@pytest.fixture
async def office() -> ReplayHarness:
    office = ReplayHarness()
    await office.open()
    return office


async def test_a_replayed_command_takes_effect_as_of_its_arrival_with_its_trace(office: ReplayHarness) -> None:
    command = replace(a_command(), at=NOON - timedelta(days=9), trace=A_TRACE)
    await office.bury(command)
    await office.replay(command)

    [made] = office.store.submissions.values()
    assert made.received_at == NOON - timedelta(days=9)
    [event] = [each for each in office.store.events.values() if each.type == "FeeSubmitted"]
    assert event.trace == A_TRACE
    letter = office.letter(command)
    assert (letter.state, letter.handled_by, letter.why) == (DeadLetterState.REPLAYED, "asha", "the roster was mended")
    assert letter.handled_at == office.clock.now()


async def test_a_replayed_event_keeps_its_id(office: ReplayHarness) -> None:
    [event] = await office.submitted_and_taken("T-1")
    office.store.deliveries.clear()
    await office.bury(event)
    await office.replay(event)

    assert {each.notice for each in office.owed} == {event.id}
    assert len(office.owed) == 2


async def test_a_dead_letter_is_replayed_once(office: ReplayHarness) -> None:
    command = a_command()
    await office.bury(command)
    outcomes = await asyncio.gather(*(office.replay(command) for _ in range(3)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in outcomes) == ["LetterAlreadySettled"] * 2 + ["NoneType"]
    assert office.submitted == ["T-1"]


async def test_a_dropped_dead_letter_is_not_replayed(office: ReplayHarness) -> None:
    command = a_command()
    await office.bury(command)
    await office.duty["drop_dead_letter"]()(command.id, ASHA)

    with pytest.raises(LetterAlreadySettled):
        await office.replay(command)
    assert (office.submitted, office.letter(command).state) == ([], DeadLetterState.DROPPED)


async def test_what_fails_again_leaves_nothing_but_the_new_reason(office: ReplayHarness) -> None:
    command = a_command()
    await office.bury(command)

    async def broken(message: Message, new_work: Any) -> None:
        await office.routes["fees.commands", "SubmitExamFee"]([message], new_work)
        raise RuntimeError("a bug")

    use_case = office.use_cases["replay_dead_letter"]()
    for tries in (1, 2):
        with pytest.raises(LetterStillBuried, match="RuntimeError: a bug"):
            await use_case(broken, command.id, ASHA)

        letter = office.letter(command)
        assert (letter.state, letter.reason, letter.detail) == (DeadLetterState.BURIED, "RuntimeError", "a bug")
        assert (letter.tries, letter.handled_by) == (tries, "asha")
    assert (office.submitted, office.store.events) == ([], {})

    await office.replay(command)
    assert office.submitted == ["T-1"]


async def test_a_body_that_is_still_no_json_stays_buried(office: ReplayHarness) -> None:
    message = a_raw_command(b"\xff\x00")
    await office.consume([message])
    with pytest.raises(LetterStillBuried):
        await office.replay(message)

    assert office.letter(message).tries == 1


@pytest.mark.parametrize("outage", [Unavailable("the roster is away"), Unavailable(retry_after=1)])
async def test_an_outage_leaves_a_dead_letter_unchanged(office: ReplayHarness, outage: Unavailable) -> None:
    command = a_command()
    await office.bury(command)
    before = office.letter(command)

    async def away(*_: object) -> None:
        raise outage

    with pytest.raises(Unavailable):
        await office.use_cases["replay_dead_letter"]()(away, command.id, ASHA)
    assert office.letter(command) == before


async def test_replaying_an_unknown_type_is_refused_and_changes_nothing(office: ReplayHarness) -> None:
    message = a_raw_command({}, kind="Buy\x1bLunch")
    await office.consume([message])
    before = office.letter(message)
    with pytest.raises(NotUnderstoodHere, match=r"'Buy\\x1bLunch' from fees.commands"):
        await office.replay(message)

    assert office.letter(message) == before


async def test_a_version_that_is_still_too_new_stays_as_it_is_and_says_so(office: ReplayHarness) -> None:
    message = replace(a_command(), data_version=2)
    await office.consume([message])
    before = office.letter(message)
    with pytest.raises(NotUnderstoodHere, match="version 2 of 'SubmitExamFee', and we understand 1: upgrade"):
        await office.replay(message)

    assert (office.letter(message), office.submitted) == (before, [])


async def test_a_bulk_replay_goes_oldest_first_and_continues_after_failures(office: ReplayHarness) -> None:
    good, bad, other = a_command("T-1"), a_raw_command(b"{"), a_command("T-2")
    for message in (good, bad, other):
        await office.bury(message)
    heard: list[tuple[UUID, CoreError | None]] = []
    replay = office.duty["replay_dead_letter"]()
    settle = office.duty["settle_dead_letters"]()
    await settle(DeadLetterFilter(), lambda letter: replay(letter, ASHA), Pace(), lambda *each: heard.append(each))

    assert [letter for letter, _ in heard] == [good.id, bad.id, other.id]
    assert [type(error) for _, error in heard] == [type(None), LetterStillBuried, type(None)]
    assert office.submitted == ["T-1", "T-2"]


async def test_a_stopped_bulk_replay_leaves_each_dead_letter_settled_or_untouched(office: ReplayHarness) -> None:
    commands = [a_command("T-1"), a_command("T-2")]
    await office.bury(*commands)
    pace, replay = Pace(), office.duty["replay_dead_letter"]()
    settle = office.duty["settle_dead_letters"]()
    await settle(DeadLetterFilter(), lambda letter: replay(letter, ASHA), pace, lambda *_: pace.stop.set())

    assert sorted(office.letter(each).state for each in commands) == [DeadLetterState.BURIED, DeadLetterState.REPLAYED]
    assert len(office.submitted) == 1


async def test_what_is_buried_while_many_are_settled_is_not_among_them(office: ReplayHarness) -> None:
    await office.bury(a_raw_command(b"{"))
    heard: list[UUID] = []

    async def bury_another(letter: UUID) -> None:
        heard.append(letter)
        await office.bury(a_raw_command(b"{"))

    await office.duty["settle_dead_letters"]()(DeadLetterFilter(), bury_another, Pace(), lambda *_: None)

    assert len(heard) == 1


async def test_a_preview_counts_and_changes_nothing(office: ReplayHarness) -> None:
    messages = [a_command(str(number)) for number in range(12)]
    await office.bury(*messages, a_raw_command({}, kind="Other"))
    survey = await office.duty["preview_dead_letters"]()(DeadLetterFilter(type="SubmitExamFee"))

    assert survey.count == 12
    assert [(each.type, each.count) for each in survey.groups] == [("SubmitExamFee", 12)]
    assert [each.id for each in survey.first] == sorted(each.id for each in messages)[:10]
    assert survey.which.buried.until == office.clock.now()
    assert {letter.state for letter, _ in office.store.dead_letters.values()} == {DeadLetterState.BURIED}


async def test_lost_deliveries_are_written_down_again_and_not_sent(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1", "T-2")
    before = [(each.notice, each.channel, each.about, each.facts) for each in office.owed]
    office.store.deliveries.clear()
    progress, failed = await office.rebuild()

    assert (progress.taken, progress.left, failed) == (2, 0, {})
    assert [(each.notice, each.channel, each.about, each.facts) for each in office.owed] == before
    assert {(each.state, each.reason) for each in office.owed} == {("suppressed", "rebuilt by replay")}


async def test_what_is_there_stays_as_it_is_and_only_the_missing_is_made(office: ReplayHarness) -> None:
    [event] = await office.submitted_and_taken("T-1")
    email, sms = office.owed
    email.state, email.attempts = type(email.state)("sent"), 1
    del office.store.deliveries[sms.id]
    await office.rebuild()

    kept, made = office.owed
    assert (kept.id, kept.state, kept.attempts) == (email.id, "sent", 1)
    assert (made.notice, made.channel, made.state) == (event.id, "sms", "suppressed")
    await office.rebuild()
    assert [each.id for each in office.owed] == [kept.id, made.id]


async def test_with_send_the_missing_goes_out(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1")
    office.store.deliveries.clear()
    await office.rebuild(send=True)

    assert [each.state for each in office.owed] == ["pending", "pending"]


async def test_an_event_still_on_its_way_is_left_to_the_broker_and_sent_when_it_comes(office: ReplayHarness) -> None:
    await office.consume([a_command()])
    office.clock.pass_by(timedelta(seconds=1))
    progress, _ = await office.rebuild()
    assert (progress.taken, progress.left, office.owed) == (0, 1, [])

    [event] = [each for each in office.store.events.values() if each.type == "FeeSubmitted"]
    await office.consume([event])
    assert [each.state for each in office.owed] == ["pending", "pending"]


async def test_with_send_an_event_on_its_way_takes_effect_once(office: ReplayHarness) -> None:
    await office.consume([a_command()])
    office.clock.pass_by(timedelta(seconds=1))
    await office.rebuild(send=True)
    [event] = [each for each in office.store.events.values() if each.type == "FeeSubmitted"]
    made = [each.id for each in office.owed]
    await office.consume([event])

    assert [each.id for each in office.owed] == made
    assert len(made) == 2


async def test_with_send_an_event_on_its_way_that_fails_is_a_dead_letter_as_if_it_had_come(
    office: ReplayHarness,
) -> None:
    await office.consume([a_command()])
    office.clock.pass_by(timedelta(seconds=1))
    [whole] = office.store.events.values()
    office.store.events[whole.id] = replace(whole, body=b"{")
    progress, failed = await office.rebuild(send=True)
    assert (progress.failed, list(failed), list(office.dead_letters)) == (1, [whole.id], ["FeeSubmitted"])

    await office.consume([whole])
    assert office.owed == []


async def test_an_event_that_the_inbox_has_forgotten_is_rebuilt(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1")
    office.store.deliveries.clear()
    office.store.inbox.clear()
    office.clock.pass_by(timedelta(days=13))
    assert (await office.rebuild())[0].left == 1
    office.clock.pass_by(timedelta(days=2))
    await office.rebuild()

    assert [each.state for each in office.owed] == ["suppressed", "suppressed"]


@pytest.mark.parametrize("send", [False, True])
async def test_a_replay_skips_events_that_are_dead_letters(office: ReplayHarness, send: bool) -> None:
    await office.consume([a_command("T-1"), a_command("T-2")])
    office.clock.pass_by(timedelta(seconds=1))
    waiting, dropped = office.store.events.values()
    await office.bury(waiting, dropped)
    await office.duty["drop_dead_letter"]()(dropped.id, ASHA)
    progress, _ = await office.rebuild(send=send)

    assert (progress.taken, progress.left, progress.dead_letters, office.owed) == (0, 0, 2, [])
    await office.replay(waiting)
    assert [(each.notice, each.state) for each in office.owed] == [(waiting.id, "pending")] * 2
    assert (await office.rebuild(send=send))[0].taken == 1


async def test_a_dry_run_counts_and_changes_nothing(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1", "T-2")
    office.store.deliveries.clear()
    progress, _ = await office.rebuild(dry=True)

    assert (progress.taken, office.owed, office.store.replays) == (2, [], {})


async def test_only_what_is_wanted_is_replayed(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1")

    assert (await office.rebuild(type="ExamFeeRefused"))[0].taken == 0
    assert (await office.rebuild(period=Period(until=NOON)))[0].taken == 0
    assert (await office.rebuild(period=Period(since=NOON), type="FeeSubmitted"))[0].taken == 1


async def test_an_unknown_consumer_is_refused_with_the_known_ones(office: ReplayHarness) -> None:
    with pytest.raises(UnknownConsumer, match="there is bursar"):
        await office.rebuild(consumer="burser")


async def test_a_replay_keeps_its_author_reason_and_scope(office: ReplayHarness) -> None:
    await office.rebuild(type="FeeSubmitted")

    [(which, decision)] = office.store.replays.values()
    assert (which.type, decision) == ("FeeSubmitted", ASHA)


async def test_a_failing_event_is_reported_and_the_replay_continues(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1", "T-2")
    office.store.deliveries.clear()
    first = next(iter(office.store.events))
    office.store.events[first] = replace(office.store.events[first], body=b"{")
    progress, failed = await office.rebuild()

    assert (progress.taken, progress.failed, list(failed)) == (1, 1, [first])
    assert {each.notice for each in office.owed} == set(office.store.events) - {first}
    assert office.dead_letters == {}


async def test_an_outage_leaves_whole_batches(office: ReplayHarness) -> None:
    await office.submitted_and_taken("T-1", "T-2")
    office.store.deliveries.clear()
    taken: list[UUID] = []

    async def flaky(message: Message, new_work: Any) -> None:
        if taken:
            raise Unavailable("the database is away")
        taken.append(message.id)
        await office.routes["fees", "FeeSubmitted"]([message], new_work)

    which = EventReplay(consumer="bursar", period=Period())
    with pytest.raises(Unavailable):
        await office.use_cases["replay_events"]()(flaky, which, ASHA, Pace(), lambda *_: None)

    assert office.owed == []


@pytest.mark.parametrize("rate", [0, -1, 100_001, 10**30])
def test_an_invalid_rate_is_refused(rate: int) -> None:
    with pytest.raises(Invalid):
        Pace(rate)


async def test_a_rate_limit_spaces_the_steps() -> None:
    pace, began = Pace(100), asyncio.get_running_loop().time()
    for _ in range(6):
        assert await pace.acquire()

    assert asyncio.get_running_loop().time() - began >= 0.05
    pace.stop.set()
    assert not await pace.acquire()


@pytest.mark.parametrize("changes", [{"who": ""}, {"who": " "}, {"who": "a\nb"}, {"who": "x" * 65}, {"why": ""}])
def test_a_decision_needs_a_person_and_a_reason(changes: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        Decision(**({"who": "asha", "why": "because"} | changes))
    assert refused.value.at == f"$.{next(iter(changes))}"


def test_a_period_that_no_calendar_has_is_refused() -> None:
    for wrong in ({"since": datetime(2026, 1, 1)}, {"until": NOON, "since": NOON + timedelta(1)}):  # noqa: DTZ001
        with pytest.raises(Invalid):
            Period(**wrong)


@pytest.mark.parametrize("text", ["x" * 256, "\ud800"])
def test_a_name_that_no_database_can_hold_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        DeadLetterFilter(type=text)
