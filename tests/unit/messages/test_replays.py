import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Invalid, Unavailable
from core.kernel.money import Money
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
from core.messaging.routing import Route, Routes
from core.messaging.settle_dead_letters import SettlementProgress
from core.notifications.delivery import Delivery
from core.use_cases import UseCases
from entrypoints.routes import ROUTES
from tests.examples import NOON
from tests.unit.messages.harness import ConsumerHarness, a_command, a_raw_command

ASHA = Decision(who="asha", why="the roster was mended")
A_TRACE = Trace("request-7", f"00-{'a' * 32}-{'b' * 16}-01")


class ReplayHarness(ConsumerHarness):
    """A consumer with the use cases of dead letters and replays."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: Exception | None = None

    async def replay(self, message: Message) -> None:
        await self.use_cases.messaging.replay_dead_letter(message.id, ASHA)

    async def bury(self, *messages: Message) -> None:
        """Bury messages as undecodable."""
        async with self.application.messaging.new_inbox() as inbox:
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
        """Replay events, and return the report."""
        seen: list[ReplayProgress] = [ReplayProgress(NOON)]
        failed: dict[UUID, Exception] = {}

        def told(progress: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
            seen.append(progress)
            failed.update(failures)

        which = EventReplay(**({"consumer": "bursar", "period": Period(until=self.clock.now())} | changes))
        await self.use_cases.messaging.replay_events(which, ASHA, Pace(), told)
        return seen[-1], failed

    async def submitted_and_taken(self, *registrations: str) -> list[Message]:
        """Submit fees, and consume their events."""
        await self.consume([a_command(each) for each in registrations])
        self.clock.pass_by(timedelta(seconds=1))
        events = [each for each in self.store.events.values() if each.type == "FeeSubmitted"]
        await self.consume(events)
        return events

    @property
    def owed(self) -> list[Delivery]:
        return sorted(self.store.deliveries.values(), key=lambda each: (each.notice, each.channel))


def routed(route: Route) -> Routes:
    """Return routes with the same handler for every message."""
    return replace(ROUTES, table=dict.fromkeys(ROUTES.table, route))


@pytest.fixture
async def harness() -> ReplayHarness:
    harness = ReplayHarness()
    await harness.open()
    return harness


async def test_a_replayed_command_takes_effect_as_of_its_arrival_with_its_trace(harness: ReplayHarness) -> None:
    command = replace(a_command(), at=NOON - timedelta(days=9), trace=A_TRACE)
    await harness.bury(command)
    await harness.replay(command)

    [made] = harness.store.submissions.values()
    assert made.received_at == NOON - timedelta(days=9)
    [event] = [each for each in harness.store.events.values() if each.type == "FeeSubmitted"]
    assert event.trace == A_TRACE
    letter = harness.letter(command)
    assert (letter.state, letter.handled_by, letter.why) == (DeadLetterState.REPLAYED, "asha", "the roster was mended")
    assert letter.handled_at == harness.clock.now()


async def test_a_replayed_event_keeps_its_id(harness: ReplayHarness) -> None:
    [event] = await harness.submitted_and_taken("T-1")
    harness.store.deliveries.clear()
    await harness.bury(event)
    await harness.replay(event)

    assert {each.notice for each in harness.owed} == {event.id}
    assert len(harness.owed) == 2


async def test_fees_of_an_earlier_release_are_charged_by_a_replay(
    harness: ReplayHarness,
) -> None:
    await harness.submitted_and_taken("T-1", "T-2")
    ledger, sent = harness.use_cases.ledger, len(harness.owed)
    harness.store.ledger_transactions.clear()

    await harness.rebuild()
    await harness.rebuild()

    assert (await ledger.show_balance("income:examination")).balances == [Money(-100_000, "INR")]
    assert (await ledger.verify_ledger(lambda _: None)).unposted == 0
    assert len(harness.owed) == sent


async def test_a_dead_letter_is_replayed_once(harness: ReplayHarness) -> None:
    command = a_command()
    await harness.bury(command)
    outcomes = await asyncio.gather(*(harness.replay(command) for _ in range(3)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in outcomes) == ["LetterAlreadySettled"] * 2 + ["NoneType"]
    assert harness.submitted == ["T-1"]


async def test_a_dropped_dead_letter_is_not_replayed(harness: ReplayHarness) -> None:
    command = a_command()
    await harness.bury(command)
    await harness.use_cases.messaging.drop_dead_letter(command.id, ASHA)

    with pytest.raises(LetterAlreadySettled):
        await harness.replay(command)
    assert (harness.submitted, harness.letter(command).state) == ([], DeadLetterState.DROPPED)


async def test_a_replay_that_fails_again_changes_only_the_reason(harness: ReplayHarness) -> None:
    command = a_command()
    await harness.bury(command)

    async def broken(messages: Sequence[Message], use_cases: UseCases) -> None:
        await ROUTES.table["fees.commands", "SubmitExamFee"](messages, use_cases)
        raise RuntimeError("a bug")

    use_case = replace(harness.use_cases.messaging.replay_dead_letter, routes=routed(broken))
    for tries in (1, 2):
        with pytest.raises(LetterStillBuried, match="RuntimeError: a bug"):
            await use_case(command.id, ASHA)

        letter = harness.letter(command)
        assert (letter.state, letter.reason, "a bug" in letter.detail) == (
            DeadLetterState.BURIED,
            "RuntimeError",
            False,
        )
        assert (letter.tries, letter.handled_by) == (tries, "asha")
    assert (harness.submitted, harness.store.events) == ([], {})

    await harness.replay(command)
    assert harness.submitted == ["T-1"]


async def test_a_body_that_is_not_json_stays_buried(harness: ReplayHarness) -> None:
    message = a_raw_command(b"\xff\x00")
    await harness.consume([message])
    with pytest.raises(LetterStillBuried):
        await harness.replay(message)

    assert harness.letter(message).tries == 1


@pytest.mark.parametrize("outage", [Unavailable("the roster is away"), Unavailable(retry_after=1)])
async def test_an_outage_leaves_a_dead_letter_unchanged(harness: ReplayHarness, outage: Unavailable) -> None:
    command = a_command()
    await harness.bury(command)
    before = harness.letter(command)

    async def away(*_: object) -> None:
        raise outage

    with pytest.raises(Unavailable):
        await replace(harness.use_cases.messaging.replay_dead_letter, routes=routed(away))(command.id, ASHA)
    assert harness.letter(command) == before


async def test_replaying_an_unknown_type_is_refused_and_changes_nothing(harness: ReplayHarness) -> None:
    message = a_raw_command({}, kind="Buy\x1bLunch")
    await harness.consume([message])
    before = harness.letter(message)
    with pytest.raises(NotUnderstoodHere, match=r"'Buy\\x1bLunch' from fees.commands"):
        await harness.replay(message)

    assert harness.letter(message) == before


async def test_a_message_of_a_newer_version_is_not_replayed(harness: ReplayHarness) -> None:
    message = replace(a_command(), data_version=2)
    await harness.consume([message])
    before = harness.letter(message)
    with pytest.raises(NotUnderstoodHere, match="version 2 of 'SubmitExamFee', and this program supports 1: upgrade"):
        await harness.replay(message)

    assert (harness.letter(message), harness.submitted) == (before, [])


async def test_a_bulk_replay_goes_oldest_first_and_continues_after_failures(harness: ReplayHarness) -> None:
    good, bad, other = a_command("T-1"), a_raw_command(b"{"), a_command("T-2")
    for message in (good, bad, other):
        await harness.bury(message)
    heard: list[tuple[UUID, CoreError | None]] = []
    messaging = harness.use_cases.messaging
    preview = await messaging.preview_dead_letters(DeadLetterFilter())
    progress = await messaging.settle_dead_letters(
        preview, messaging.replay_dead_letter, ASHA, Pace(), lambda _, *each: heard.append(each)
    )

    assert [letter for letter, _ in heard] == [good.id, bad.id, other.id]
    assert [type(error) for _, error in heard] == [type(None), LetterStillBuried, type(None)]
    assert harness.submitted == ["T-1", "T-2"]
    assert progress == SettlementProgress(settled=2, failed=1)


async def test_a_stopped_bulk_replay_leaves_each_dead_letter_settled_or_untouched(harness: ReplayHarness) -> None:
    commands = [a_command("T-1"), a_command("T-2")]
    await harness.bury(*commands)
    pace, messaging = Pace(), harness.use_cases.messaging
    preview = await messaging.preview_dead_letters(DeadLetterFilter())
    await messaging.settle_dead_letters(preview, messaging.replay_dead_letter, ASHA, pace, lambda *_: pace.stop.set())

    assert sorted(harness.letter(each).state for each in commands) == [DeadLetterState.BURIED, DeadLetterState.REPLAYED]
    assert len(harness.submitted) == 1


async def test_dead_letters_that_others_settled_after_the_preview_are_no_failures(harness: ReplayHarness) -> None:
    command = a_command("T-1")
    await harness.bury(command)
    messaging = harness.use_cases.messaging
    preview = await messaging.preview_dead_letters(DeadLetterFilter())

    async def settle_after_another(letter: UUID, decision: Decision) -> None:
        await messaging.drop_dead_letter(letter, decision)
        await messaging.drop_dead_letter(letter, decision)

    progress = await messaging.settle_dead_letters(preview, settle_after_another, ASHA, Pace(), lambda *_: None)

    assert progress == SettlementProgress(settled_by_others=1)


async def test_a_bulk_replay_excludes_messages_buried_meanwhile(harness: ReplayHarness) -> None:
    await harness.bury(a_raw_command(b"{"))
    heard: list[UUID] = []

    async def bury_another(letter: UUID, _decision: Decision) -> None:
        heard.append(letter)
        await harness.bury(a_raw_command(b"{"))

    messaging = harness.use_cases.messaging
    preview = await messaging.preview_dead_letters(DeadLetterFilter())
    await messaging.settle_dead_letters(preview, bury_another, ASHA, Pace(), lambda *_: None)

    assert len(heard) == 1


async def test_a_preview_counts_and_changes_nothing(harness: ReplayHarness) -> None:
    messages = [a_command(str(number)) for number in range(12)]
    await harness.bury(*messages, a_raw_command({}, kind="Other"))
    survey = await harness.use_cases.messaging.preview_dead_letters(DeadLetterFilter(type="SubmitExamFee"))

    assert survey.count == 12
    assert [(each.type, each.count) for each in survey.groups] == [("SubmitExamFee", 12)]
    assert [each.id for each in survey.first] == sorted(each.id for each in messages)[:10]
    assert survey.which.buried.until == harness.clock.now()
    assert {letter.state for letter, _ in harness.store.dead_letters.values()} == {DeadLetterState.BURIED}


async def test_lost_deliveries_are_recorded_again_and_not_sent(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1", "T-2")
    before = [(each.notice, each.channel, each.about, each.facts) for each in harness.owed]
    harness.store.deliveries.clear()
    progress, failed = await harness.rebuild()

    assert (progress.taken, progress.left, failed) == (2, 0, {})
    assert [(each.notice, each.channel, each.about, each.facts) for each in harness.owed] == before
    assert {(each.state, each.reason) for each in harness.owed} == {("suppressed", "rebuilt by replay")}


async def test_existing_deliveries_are_unchanged_and_missing_ones_are_created(harness: ReplayHarness) -> None:
    [event] = await harness.submitted_and_taken("T-1")
    email, sms = harness.owed
    email.state, email.attempts = type(email.state)("sent"), 1
    del harness.store.deliveries[sms.id]
    await harness.rebuild()

    kept, made = harness.owed
    assert (kept.id, kept.state, kept.attempts) == (email.id, "sent", 1)
    assert (made.notice, made.channel, made.state) == (event.id, "sms", "suppressed")
    await harness.rebuild()
    assert [each.id for each in harness.owed] == [kept.id, made.id]


async def test_with_send_missing_deliveries_are_sent(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1")
    harness.store.deliveries.clear()
    await harness.rebuild(send=True)

    assert [each.state for each in harness.owed] == ["pending", "pending"]


async def test_an_unconsumed_event_is_left_to_the_broker_and_sent_on_arrival(harness: ReplayHarness) -> None:
    await harness.consume([a_command()])
    harness.clock.pass_by(timedelta(seconds=1))
    progress, _ = await harness.rebuild()
    assert (progress.taken, progress.left, harness.owed) == (0, 1, [])

    [event] = [each for each in harness.store.events.values() if each.type == "FeeSubmitted"]
    await harness.consume([event])
    assert [each.state for each in harness.owed] == ["pending", "pending"]


async def test_with_send_an_unconsumed_event_takes_effect_once(harness: ReplayHarness) -> None:
    await harness.consume([a_command()])
    harness.clock.pass_by(timedelta(seconds=1))
    await harness.rebuild(send=True)
    [event] = [each for each in harness.store.events.values() if each.type == "FeeSubmitted"]
    made = [each.id for each in harness.owed]
    await harness.consume([event])

    assert [each.id for each in harness.owed] == made
    assert len(made) == 2


async def test_with_send_an_unconsumed_event_that_fails_becomes_a_dead_letter(
    harness: ReplayHarness,
) -> None:
    await harness.consume([a_command()])
    harness.clock.pass_by(timedelta(seconds=1))
    [whole] = harness.store.events.values()
    harness.store.events[whole.id] = replace(whole, body=b"{")
    progress, failed = await harness.rebuild(send=True)
    assert (progress.failed, list(failed), list(harness.dead_letters)) == (1, [whole.id], ["FeeSubmitted"])

    await harness.consume([whole])
    assert harness.owed == []


async def test_an_event_older_than_the_inbox_is_replayed(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1")
    harness.store.deliveries.clear()
    harness.store.inbox.clear()
    harness.clock.pass_by(timedelta(days=13))
    assert (await harness.rebuild())[0].left == 1
    harness.clock.pass_by(timedelta(days=2))
    await harness.rebuild()

    assert [each.state for each in harness.owed] == ["suppressed", "suppressed"]


@pytest.mark.parametrize("send", [False, True])
async def test_a_replay_skips_events_that_are_dead_letters(harness: ReplayHarness, send: bool) -> None:
    await harness.consume([a_command("T-1"), a_command("T-2")])
    harness.clock.pass_by(timedelta(seconds=1))
    waiting, dropped = harness.store.events.values()
    await harness.bury(waiting, dropped)
    await harness.use_cases.messaging.drop_dead_letter(dropped.id, ASHA)
    progress, _ = await harness.rebuild(send=send)

    assert (progress.taken, progress.left, progress.dead_letters, harness.owed) == (0, 0, 2, [])
    await harness.replay(waiting)
    assert [(each.notice, each.state) for each in harness.owed] == [(waiting.id, "pending")] * 2
    assert (await harness.rebuild(send=send))[0].taken == 1


async def test_a_dry_run_counts_and_changes_nothing(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1", "T-2")
    harness.store.deliveries.clear()
    progress, _ = await harness.rebuild(dry_run=True)

    assert (progress.taken, harness.owed, harness.store.replays) == (2, [], {})


async def test_only_events_that_match_the_filter_are_replayed(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1")

    assert (await harness.rebuild(type="ExamFeeRefused"))[0].taken == 0
    assert (await harness.rebuild(period=Period(until=NOON)))[0].taken == 0
    assert (await harness.rebuild(period=Period(since=NOON), type="FeeSubmitted"))[0].taken == 1


async def test_an_unknown_consumer_is_refused_with_the_known_ones(harness: ReplayHarness) -> None:
    with pytest.raises(UnknownConsumer, match="there is bursar"):
        await harness.rebuild(consumer="burser")


async def test_a_replay_keeps_its_author_reason_and_scope(harness: ReplayHarness) -> None:
    await harness.rebuild(type="FeeSubmitted")

    [(which, decision)] = harness.store.replays.values()
    assert (which.type, decision) == ("FeeSubmitted", ASHA)


async def test_a_failing_event_is_reported_and_the_replay_continues(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1", "T-2")
    harness.store.deliveries.clear()
    first = next(iter(harness.store.events))
    harness.store.events[first] = replace(harness.store.events[first], body=b"{")
    progress, failed = await harness.rebuild()

    assert (progress.taken, progress.failed, list(failed)) == (1, 1, [first])
    assert {each.notice for each in harness.owed} == set(harness.store.events) - {first}
    assert harness.dead_letters == {}


async def test_an_outage_ends_a_replay_between_batches(harness: ReplayHarness) -> None:
    await harness.submitted_and_taken("T-1", "T-2")
    harness.store.deliveries.clear()
    taken: list[UUID] = []

    async def flaky(messages: Sequence[Message], use_cases: UseCases) -> None:
        if taken:
            raise Unavailable("the database is away")
        taken.append(messages[0].id)
        await ROUTES.table["fees", "FeeSubmitted"](messages, use_cases)

    which = EventReplay(consumer="bursar", period=Period())
    with pytest.raises(Unavailable):
        await replace(harness.use_cases.messaging.replay_events, routes=routed(flaky))(
            which, ASHA, Pace(), lambda *_: None
        )

    assert harness.owed == []


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


def test_an_impossible_period_is_refused() -> None:
    for wrong in ({"since": datetime(2026, 1, 1)}, {"until": NOON, "since": NOON + timedelta(1)}):  # noqa: DTZ001
        with pytest.raises(Invalid):
            Period(**wrong)


@pytest.mark.parametrize("text", ["x" * 256, "\ud800"])
def test_a_filter_that_no_database_can_hold_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        DeadLetterFilter(type=text)
