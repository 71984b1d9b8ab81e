import asyncio
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from core.fees.submission import Submission
from core.kernel.decisions import Decision
from core.kernel.errors import Conflict, Unavailable
from core.kernel.trace import Trace
from core.messaging.message import Message
from core.notifications.delivery import Channel
from core.use_cases import UseCases
from entrypoints.messages.consumer import BURIED, REPEATED, split_by_load
from entrypoints.messages.handlers import per_message
from entrypoints.routes import ROUTES
from tests.examples import NOON, a_message, ids
from tests.unit.messages.harness import ConsumerHarness, a_command, a_raw_command
from tests.units_of_work import any_work

SUBMIT = ("fees.commands", "SubmitExamFee")
A_TRACE = Trace("request-7", f"00-{'a' * 32}-{'b' * 16}-01")


@pytest.fixture
async def harness() -> ConsumerHarness:
    return await ConsumerHarness().open()


async def announced(harness: ConsumerHarness) -> Message:
    """Submit by a command, and return its event."""
    await harness.consume([a_command()])
    [event] = [each for each in harness.store.events.values() if each.type == "FeeSubmitted"]
    return event


async def test_a_command_submits_a_fee_as_of_its_own_arrival(harness: ConsumerHarness) -> None:
    await harness.consume([replace(a_command(papers=["041"]), at=NOON)])

    [made] = harness.store.submissions.values()
    assert isinstance(made, Submission)
    assert (made.registration, made.papers, made.received_at) == ("T-1", ("041",), NOON)
    [event] = harness.events("FeeSubmitted")
    assert event["subject"] == str(made.id)


async def test_a_command_delivered_twice_has_one_effect(harness: ConsumerHarness) -> None:
    command = a_command()
    await harness.consume([command])
    await harness.consume([command])

    assert harness.submitted == ["T-1"]
    assert len(harness.store.events) == 1
    assert harness.dead_letters == {}


async def test_a_command_twice_in_one_batch_has_one_effect(harness: ConsumerHarness) -> None:
    command = a_command()
    await harness.consume([command, command])

    assert harness.submitted == ["T-1"]
    assert harness.events("ExamFeeRefused") == []


async def test_a_submitted_fee_is_notified_once_per_channel(harness: ConsumerHarness) -> None:
    event = await announced(harness)
    await harness.consume([event])
    await harness.consume([event, event])

    owed = list(harness.store.deliveries.values())
    assert sorted(each.channel for each in owed) == sorted(Channel)
    for each in owed:
        assert each.notice == event.id
        assert each.about == event.subject
        assert each.facts["total"] == {"minor": 50_000, "currency": "INR"}
        assert each.facts["reference"].startswith("BF-")


@pytest.mark.parametrize(
    ("closes", "last"),
    [("2026-03-08T18:30:00Z", "2026-03-08T23:59:00+05:30"), ("2026-03-08T15:30:00Z", "2026-03-08T20:59:00+05:30")],
)
async def test_a_candidate_is_told_the_last_minute_to_pay(harness: ConsumerHarness, closes: str, last: str) -> None:
    event = await announced(harness)
    body = event.body.replace(b'"pay_by":null', f'"pay_by":"{closes}"'.encode())
    await harness.consume([replace(event, body=body)])

    told = [each.facts["pay_by"] for each in harness.store.deliveries.values()]
    assert told == [{"at": last, "zone": "Asia/Kolkata"}] * 2


async def test_an_event_in_what_is_no_currency_is_a_dead_letter(harness: ConsumerHarness) -> None:
    event = await announced(harness)
    await harness.consume([replace(event, body=event.body.replace(b'"INR"', b'"XXY"'))])

    assert "'XXY' is no currency of ISO 4217" in harness.dead_letters["FeeSubmitted"]
    assert not harness.store.deliveries


async def test_a_duplicate_submission_by_another_command_is_refused_with_the_problem(harness: ConsumerHarness) -> None:
    first, second = a_command(), a_command()
    await harness.consume([first, second])

    assert harness.submitted == ["T-1"]
    [refusal] = harness.events("ExamFeeRefused")
    assert refusal["command"] == str(second.id)
    assert refusal["problem"] == "urn:bursar:problem:fee-already-submitted"


@pytest.mark.parametrize(
    ("command", "problem", "field"),
    [
        (a_command(schedule="neet"), "unknown-schedule", "$.schedule"),
        (a_command("UNKNOWN-1"), "unknown-candidate", "$.registration"),
        (a_command(papers=["041", "041"]), "invalid", "$.papers[1]"),
        (a_command(papers=["041"], practicals=["042"]), "unknown-practical", "$.practicals[0]"),
    ],
)
async def test_a_refused_command_is_answered_and_is_no_dead_letter(
    harness: ConsumerHarness, command: Message, problem: str, field: str
) -> None:
    await harness.consume([command])

    [refusal] = harness.events("ExamFeeRefused")
    assert (refusal["command"], refusal["problem"]) == (str(command.id), f"urn:bursar:problem:{problem}")
    assert refusal["field"] == field
    assert (harness.submitted, harness.dead_letters) == ([], {})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            a_raw_command({}, kind="BuyLunch"),
            "UnknownMessage: no route for type 'BuyLunch' from fees.commands",
        ),
        (a_raw_command(b"{not json"), "DecodeError"),
        (a_raw_command(b""), "DecodeError"),
        (a_raw_command(b"\xff\xfe"), "DecodeError"),
        (a_raw_command(b"[" * 100_000), "DecodeError: the JSON is nested more than 64 levels deep"),
        (a_raw_command(b'{"papers": ' + b"[" * 500 + b"]" * 500 + b"}"), "DecodeError: the JSON is nested more than"),
        (a_raw_command(b'{"papers": [' + b"9" * 5_000 + b"]}"), "ValidationError"),
        (a_raw_command({"schedule": "x"}), "ValidationError: Object missing required field `registration`"),
        (a_raw_command({"schedule": 1, "registration": "T-1"}), "ValidationError: Expected `str`, got `int`"),
        (
            a_raw_command(b"{}", kind="FeeSubmitted"),
            "UnknownMessage: no route for type 'FeeSubmitted' from",
        ),
        (replace(a_raw_command(b"{}", kind="FeeSubmitted"), context="fees"), "ValidationError: Object missing"),
        (
            replace(a_command("T-1"), context="fees"),
            "UnknownMessage: no route for type 'SubmitExamFee' from",
        ),
    ],
)
async def test_an_undecodable_message_is_buried_and_the_rest_is_processed(
    harness: ConsumerHarness, message: Message, reason: str
) -> None:
    await harness.consume([a_command("T-1"), message, a_command("T-2")])

    assert harness.submitted == ["T-1", "T-2"]
    assert harness.dead_letters[message.type].startswith(reason)


async def test_a_burial_is_an_event_with_the_origin_of_the_message(harness: ConsumerHarness) -> None:
    message = replace(a_raw_command(b"{not json", kind="BuyLunch"), origin={"topic": "t", "offset": "7"}, trace=A_TRACE)
    await harness.consume([message])

    [event] = harness.events("MessageBuried")
    assert (event["message"], event["buried_in"], event["type"]) == (str(message.id), "fees", "BuyLunch")
    assert (event["reason"], event["origin"]) == ("UnknownMessage", {"topic": "t", "offset": "7"})
    assert b64decode(event["payload"]) == b"{not json"
    [sent] = harness.store.events.values()
    assert (sent.context, sent.trace) == ("fees.dead-letters", A_TRACE)


async def test_a_buried_message_is_buried_once_however_often_it_comes(harness: ConsumerHarness) -> None:
    message = a_raw_command({}, kind="BuyLunch")
    await harness.consume([message])
    await harness.consume([message, message])

    assert len(harness.store.dead_letters) == len(harness.events("MessageBuried")) == 1


@pytest.mark.parametrize(("version", "named"), [(2, "version 2"), (0, "version ?")])
async def test_a_message_of_another_version_is_buried_and_the_rest_is_processed(
    harness: ConsumerHarness, version: int, named: str
) -> None:
    await harness.consume([a_command("T-1"), replace(a_command("T-2"), data_version=version)])

    assert harness.submitted == ["T-1"]
    assert harness.dead_letters["SubmitExamFee"] == (
        f"UnknownVersion: this is {named} of 'SubmitExamFee', and this program supports 1:"
        " upgrade, then replay the dead letter"
    )


async def test_an_unknown_field_is_refused_with_its_path(harness: ConsumerHarness) -> None:
    await harness.consume([a_command(practical=["041"])])

    assert harness.submitted == []
    [refused] = harness.events("ExamFeeRefused")
    assert (refused["problem"], refused["field"]) == ("urn:bursar:problem:invalid", "$.practical")


async def test_an_outage_stores_nothing_of_the_batch_and_it_is_redelivered(harness: ConsumerHarness) -> None:
    away = True

    @per_message
    async def flaky(message: Message, use_cases: UseCases) -> None:
        if away:
            raise Unavailable("the roster is away")
        await ROUTES.table["fees.commands", "SubmitExamFee"]([message], use_cases)

    consumer = harness.consumer({("fees.commands", "Flaky"): flaky})
    batch = [a_command("T-1"), replace(a_command("T-2"), type="Flaky"), a_raw_command({}, kind="BuyLunch")]
    await harness.refuse_once(consumer, *batch)

    assert (harness.submitted, harness.dead_letters, harness.store.inbox) == ([], {}, {})
    assert (harness.store.events, harness.store.outbox) == ({}, {})

    away = False
    await consumer(batch)
    assert harness.submitted == ["T-1", "T-2"]
    assert list(harness.dead_letters) == ["BuyLunch"]


async def test_an_outage_under_a_command_is_no_refusal(harness: ConsumerHarness) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the database is away")

    harness.use_cases.fees = replace(harness.use_cases.fees, submit_exam_fee=away)  # type: ignore[arg-type]
    await harness.refuse_once(harness.consume, a_command())

    assert harness.events("ExamFeeRefused") == []
    assert harness.store.inbox == {}


async def test_a_conflict_without_an_answer_is_a_dead_letter(harness: ConsumerHarness) -> None:
    calls = 0

    @per_message
    async def conflicting(_message: Message, _use_cases: UseCases) -> None:
        nonlocal calls
        calls += 1
        raise Conflict("another transaction was faster")

    consumer, message = harness.consumer({("fees.commands", "Late"): conflicting}), a_raw_command({}, kind="Late")
    await consumer([message, a_command()])
    tried = calls
    await consumer([message])

    assert (calls, harness.submitted) == (tried, ["T-1"])
    assert harness.dead_letters == {"Late": "Conflict: another transaction was faster"}


async def test_a_defect_buries_that_message_alone(harness: ConsumerHarness) -> None:
    @per_message
    async def broken(_message: Message, _use_cases: UseCases) -> None:
        raise RuntimeError("a bug")

    await harness.consumer({("fees.commands", "Broken"): broken})(
        [a_command("T-1"), a_raw_command({}, kind="Broken"), a_command("T-2")]
    )

    assert harness.submitted == ["T-1", "T-2"]
    assert harness.dead_letters == {"Broken": "RuntimeError: a defect of the program, whose place is in the log"}


@pytest.mark.parametrize("kind", [("fees", "ExamFeeRefused"), ("fees.dead-letters", "MessageBuried")])
async def test_own_replies_to_other_systems_are_ignored(harness: ConsumerHarness, kind: tuple[str, str]) -> None:
    await harness.consume([replace(a_raw_command({}, kind=kind[1]), context=kind[0])])

    assert (harness.dead_letters, harness.store.events, harness.store.deliveries) == ({}, {}, {})


async def test_what_a_message_causes_carries_its_trace_and_the_next_message_its_own(harness: ConsumerHarness) -> None:
    other = Trace("request-8", f"00-{'c' * 32}-{'d' * 16}-01")
    await harness.consume([replace(a_command("T-1"), trace=A_TRACE), replace(a_command("T-2"), trace=other)])

    assert [event.trace for event in harness.store.events.values()] == [A_TRACE, other]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("change", [{"body": a_command("T-2").body}, {"type": "Nope"}, {"subject": ids.new()}])
async def test_a_message_with_the_id_of_another_is_a_dead_letter_of_its_own(
    harness: ConsumerHarness, change: dict[str, Any], *, together: bool
) -> None:
    first = a_message(id=UUID(int=7), type="SubmitExamFee", context="fees.commands", body=a_command("T-1").body)
    other = replace(first, **change)
    for batch in [[first, other, first, other]] if together else [[first], [other], [first], [other]]:
        await harness.consume(batch)

    assert harness.submitted == ["T-1"]
    [(letter, message)] = harness.store.dead_letters.values()
    if change == {"body": other.body}:
        await harness.use_cases.messaging.replay_dead_letter(letter.id, Decision(who="asha", why="both are meant"))
        assert harness.submitted == ["T-1", "T-2"]
    assert (letter.reason, message.body, message.type) == ("IdReused", other.body, other.type)
    assert letter.id != first.id
    assert len(harness.events("MessageBuried")) == 1


async def test_a_dead_letter_does_not_replace_that_of_another_message_with_its_id(harness: ConsumerHarness) -> None:
    first = a_raw_command(b"{", kind="First")
    await harness.consume([first])
    await harness.consume([replace(first, type="Second"), replace(first, type="Third")])

    assert set(harness.dead_letters) == {"First", "Second", "Third"}


async def test_repetitions_and_dead_letters_are_counted(harness: ConsumerHarness) -> None:
    def counted() -> tuple[float, float]:
        return REPEATED._value.get(), BURIED.labels("UnknownMessage")._value.get()

    repeated, buried = counted()
    command, unknown = a_command("T-1"), a_raw_command({}, kind="Nope")
    await harness.consume([command, command, unknown])
    await harness.consume([unknown, command])

    assert counted() == (repeated + 3, buried + 1)


async def test_a_message_with_the_id_of_an_own_aggregate_is_buried_too(harness: ConsumerHarness) -> None:
    await harness.consume([a_command("T-1")])
    [submission] = harness.store.submissions
    await harness.consume([replace(a_raw_command({}, kind="Nope"), id=submission), a_command("T-2")])

    assert harness.submitted == ["T-1", "T-2"]
    assert list(harness.dead_letters) == ["Nope"]


async def test_the_event_of_a_burial_is_bounded_in_size(harness: ConsumerHarness) -> None:
    await harness.consume([a_raw_command(b"x" * 1_000_000, kind="Nope" * 100_000)])

    [event] = [each for each in harness.store.events.values() if each.type == "MessageBuried"]
    assert len(event.body) < 100_000


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), Conflict("another transaction was faster")])
@pytest.mark.parametrize("around", [0, 1, 6])
async def test_a_message_that_fails_after_its_commit_leaves_no_effect(
    harness: ConsumerHarness, failure: Exception, around: int
) -> None:
    @per_message
    async def half_done(message: Message, use_cases: UseCases) -> None:
        await ROUTES.table["fees.commands", "SubmitExamFee"]([message], use_cases)
        raise failure

    bad = replace(a_command("T-1"), type="HalfDone")
    others = [a_raw_command(b"{}", kind="Nope") for _ in range(around)]
    await harness.consumer({("fees.commands", "HalfDone"): half_done})([*others, bad, a_command("T-2"), *others])

    assert harness.submitted == ["T-2"]
    assert len(harness.events("FeeSubmitted")) == 1
    assert "HalfDone" in harness.dead_letters
    assert len(harness.store.inbox) == around + 2


async def test_messages_that_conflict_in_one_batch_take_effect_in_order(harness: ConsumerHarness) -> None:
    batch = [a_command("T-1"), a_raw_command({}, kind="Nope"), a_command("T-1"), a_command("T-2"), a_command("T-1")]
    batch = [replace(message, trace=Trace(f"request-{number}")) for number, message in enumerate(batch)]
    await harness.consume([*batch, *batch])

    traced = [(event.type, event.trace.request_id[-1]) for event in harness.store.events.values()]
    assert traced == [
        ("FeeSubmitted", "0"),
        ("MessageBuried", "1"),
        ("ExamFeeRefused", "2"),
        ("FeeSubmitted", "3"),
        ("ExamFeeRefused", "4"),
    ]


async def test_consecutive_messages_of_one_route_are_processed_as_a_run(harness: ConsumerHarness) -> None:
    runs = list[list[str]]()

    async def run(messages: Sequence[Message], _use_cases: UseCases) -> None:
        runs.append([message.type for message in messages])

    consumer = harness.consumer({("fees.commands", kind): run for kind in ("A", "B")})
    a, b = (a_raw_command({}, kind=kind) for kind in ("A", "B"))
    await consumer([a, b, a, a_command("T-1"), replace(b, id=ids.new()), a_command("T-2")])

    assert runs == [["A", "B"], ["B"]]
    assert harness.submitted == ["T-1", "T-2"]


async def test_a_failing_run_is_bisected_until_the_failing_message_is_alone(harness: ConsumerHarness) -> None:
    taken = list[str]()

    async def run(messages: Sequence[Message], use_cases: UseCases) -> None:
        if any(message.body == b"{" for message in messages):
            raise RuntimeError("a bug")
        await ROUTES.table["fees.commands", "SubmitExamFee"](messages, use_cases)
        taken.append(" ".join(str(message.version) for message in messages))

    batch = [replace(a_command(f"T-{number}"), type="Run", version=number) for number in (1, 2)]
    batch += [replace(a_raw_command(b"{", kind="Run"), version=3)]
    batch += [replace(a_command("T-2"), type="Run", version=4)]
    await harness.consumer({("fees.commands", "Run"): run})(batch)

    assert taken == ["1 2", "4"]
    assert harness.submitted == ["T-1", "T-2"]
    assert harness.dead_letters == {"Run": "RuntimeError: a defect of the program, whose place is in the log"}


async def test_other_tasks_run_between_the_messages_of_a_run(harness: ConsumerHarness) -> None:
    turns, taken = list[int](), list[Message]()

    @per_message
    async def take(message: Message, _use_cases: UseCases) -> None:
        taken.append(message)

    async def other() -> None:
        while len(taken) < 3:
            turns.append(len(taken))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other())
        await asyncio.sleep(0)
        await take([a_command() for _ in range(3)], partial(any_work, harness.application))

    assert {1, 2} <= set(turns)


@pytest.mark.parametrize(("max_per_transaction", "submitted"), [({}, []), ({SUBMIT: 2}, []), ({SUBMIT: 1}, ["T-1"])])
async def test_a_partition_pauses_after_a_bounded_number_of_messages(
    harness: ConsumerHarness, max_per_transaction: dict[tuple[str, str], int], submitted: list[str]
) -> None:
    @per_message
    async def away(_message: Message, _use_cases: UseCases) -> None:
        raise Unavailable("the database is away")

    consume = harness.consumer({("fees.commands", "Away"): away}, max_per_transaction)
    await harness.refuse_once(consume, a_command("T-1"), a_command("T-2"), a_raw_command({}, "Away"))

    assert harness.submitted == submitted


async def test_messages_without_a_limit_are_not_counted(harness: ConsumerHarness) -> None:
    few = [a_message(type="SubmitExamFee", context="fees.commands") for _ in range(3)]
    many = [a_message(type="FeeSubmitted", context="fees") for _ in range(5)]

    found = list(split_by_load([*few, *many, *few], {SUBMIT: 3}))

    assert found == [[*few, *many], few]
