import asyncio
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from core.fees.submission import Submission
from core.kernel.errors import Conflict, Unavailable
from core.kernel.trace import Trace
from core.messaging.message import Message
from core.notifications.delivery import Channel
from entrypoints.messages.consumer import split_by_load
from entrypoints.messages.route import NewWork, per_message
from entrypoints.messages.routes import routes
from tests.examples import NOON, a_message, ids
from tests.unit.messages.harness import Office, a_command, a_raw_command

SUBMIT = ("fees.commands", "SubmitExamFee")
A_TRACE = Trace("request-7", f"00-{'a' * 32}-{'b' * 16}-01")


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def announced(office: Office) -> Message:
    """Submit by a command, and return the event that follows."""
    await office.consume([a_command()])
    [event] = [each for each in office.store.events.values() if each.type == "FeeSubmitted"]
    return event


async def test_a_command_submits_a_fee_as_of_its_own_arrival(office: Office) -> None:
    await office.consume([replace(a_command(papers=["041"]), at=NOON)])

    [made] = office.store.submissions.values()
    assert isinstance(made, Submission)
    assert (made.registration, made.papers, made.received_at) == ("T-1", ("041",), NOON)
    [event] = office.events("FeeSubmitted")
    assert event["subject"] == str(made.id)


async def test_a_command_delivered_twice_has_one_effect(office: Office) -> None:
    command = a_command()
    await office.consume([command])
    await office.consume([command])

    assert office.submitted == ["T-1"]
    assert len(office.store.events) == 1
    assert office.dead_letters == {}


async def test_a_command_twice_in_one_batch_has_one_effect(office: Office) -> None:
    command = a_command()
    await office.consume([command, command])

    assert office.submitted == ["T-1"]
    assert office.events("ExamFeeRefused") == []


async def test_an_announced_fee_is_told_to_the_student_once_per_channel(office: Office) -> None:
    event = await announced(office)
    await office.consume([event])
    await office.consume([event, event])

    owed = list(office.store.deliveries.values())
    assert sorted(each.channel for each in owed) == sorted(Channel)
    for each in owed:
        assert each.notice == event.id
        assert each.about == event.subject
        assert each.facts["total"] == "₹500.00"
        assert each.facts["reference"].startswith("BF-")


async def test_a_duplicate_submission_by_another_command_is_refused_with_the_problem(office: Office) -> None:
    first, second = a_command(), a_command()
    await office.consume([first, second])

    assert office.submitted == ["T-1"]
    [refusal] = office.events("ExamFeeRefused")
    assert refusal["command"] == str(second.id)
    assert refusal["problem"] == "urn:bursar:problem:fee-already-submitted"


@pytest.mark.parametrize(
    ("command", "problem", "field"),
    [
        (a_command(schedule="neet"), "unknown-schedule", "$.schedule"),
        (a_command("nobody"), "unknown-candidate", "$.registration"),
        (a_command(papers=["041", "041"]), "invalid", "$.papers[1]"),
        (a_command(papers=["041"], practicals=["042"]), "unknown-practical", "$.practicals[0]"),
    ],
)
async def test_a_refused_command_is_answered_and_is_no_dead_letter(
    office: Office, command: Message, problem: str, field: str
) -> None:
    await office.consume([command])

    [refusal] = office.events("ExamFeeRefused")
    assert (refusal["command"], refusal["problem"]) == (str(command.id), f"urn:bursar:problem:{problem}")
    assert refusal["field"] == field
    assert (office.submitted, office.dead_letters) == ([], {})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (a_raw_command({}, kind="BuyLunch"), "UnknownMessage: nobody here understands 'BuyLunch' from fees.commands"),
        (a_raw_command(b"{not json"), "DecodeError"),
        (a_raw_command(b""), "DecodeError"),
        (a_raw_command(b"\xff\xfe"), "DecodeError"),
        (a_raw_command({"schedule": "x"}), "ValidationError: Object missing required field `registration`"),
        (a_raw_command({"schedule": 1, "registration": "T-1"}), "ValidationError: Expected `str`, got `int`"),
        (a_raw_command(b"{}", kind="FeeSubmitted"), "UnknownMessage: nobody here understands 'FeeSubmitted' from"),
        (replace(a_raw_command(b"{}", kind="FeeSubmitted"), context="fees"), "ValidationError: Object missing"),
        (replace(a_command("T-1"), context="fees"), "UnknownMessage: nobody here understands 'SubmitExamFee' from"),
    ],
)
async def test_an_undecodable_message_is_buried_and_the_rest_is_processed(
    office: Office, message: Message, reason: str
) -> None:
    await office.consume([a_command("T-1"), message, a_command("T-2")])

    assert office.submitted == ["T-1", "T-2"]
    assert office.dead_letters[message.type].startswith(reason)


async def test_a_burial_is_announced_with_all_that_is_known(office: Office) -> None:
    message = replace(a_raw_command(b"{not json", kind="BuyLunch"), origin={"topic": "t", "offset": "7"}, trace=A_TRACE)
    await office.consume([message])

    [event] = office.events("MessageBuried")
    assert (event["message"], event["buried_in"], event["type"]) == (str(message.id), "fees", "BuyLunch")
    assert (event["reason"], event["origin"]) == ("UnknownMessage", {"topic": "t", "offset": "7"})
    assert b64decode(event["payload"]) == b"{not json"
    [sent] = office.store.events.values()
    assert (sent.context, sent.trace) == ("fees.dead-letters", A_TRACE)


async def test_a_buried_message_is_buried_once_however_often_it_comes(office: Office) -> None:
    message = a_raw_command({}, kind="BuyLunch")
    await office.consume([message])
    await office.consume([message, message])

    assert len(office.store.dead_letters) == len(office.events("MessageBuried")) == 1


@pytest.mark.parametrize(("version", "told"), [(2, "version 2"), (0, "version ?")])
async def test_a_message_of_another_version_is_buried_and_the_rest_goes_on(
    office: Office, version: int, told: str
) -> None:
    await office.consume([a_command("T-1"), replace(a_command("T-2"), data_version=version)])

    assert office.submitted == ["T-1"]
    assert office.dead_letters["SubmitExamFee"] == (
        f"UnknownVersion: this is {told} of 'SubmitExamFee', and we understand 1: upgrade, then replay the dead letter"
    )


async def test_unknown_fields_are_ignored(office: Office) -> None:
    await office.consume([a_command(colour="blue")])

    assert office.submitted == ["T-1"]


async def test_an_outage_stores_nothing_of_the_batch_and_all_of_it_comes_again(office: Office) -> None:
    away = True

    @per_message
    async def flaky(message: Message, new_work: NewWork) -> None:
        if away:
            raise Unavailable("the roster is away")
        await office.routes["fees.commands", "SubmitExamFee"]([message], new_work)

    consumer = office.consumer({("fees.commands", "Flaky"): flaky})
    batch = [a_command("T-1"), replace(a_command("T-2"), type="Flaky"), a_raw_command({}, kind="BuyLunch")]
    await office.refuse_once(consumer, *batch)

    assert (office.submitted, office.dead_letters, office.store.inbox) == ([], {}, {})
    assert (office.store.events, office.store.outbox) == ({}, {})

    away = False
    await consumer(batch)
    assert office.submitted == ["T-1", "T-2"]
    assert list(office.dead_letters) == ["BuyLunch"]


async def test_an_outage_under_a_command_is_no_refusal(office: Office) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the database is away")

    consumer = office.consumer(routes({**office.use_cases, "submit_exam_fee": lambda **_: away}))
    await office.refuse_once(consumer, a_command())

    assert office.events("ExamFeeRefused") == []
    assert office.store.inbox == {}


async def test_a_conflict_is_no_dead_letter_and_does_not_come_again(office: Office) -> None:
    calls = 0

    @per_message
    async def conflicting(_message: Message, _new_work: NewWork) -> None:
        nonlocal calls
        calls += 1
        raise Conflict("somebody was faster")

    consumer, message = office.consumer({("fees.commands", "Late"): conflicting}), a_raw_command({}, kind="Late")
    await consumer([message, a_command()])
    tried = calls
    await consumer([message])

    assert (calls, office.submitted, office.dead_letters) == (tried, ["T-1"], {})


async def test_a_defect_buries_that_message_alone(office: Office) -> None:
    @per_message
    async def broken(_message: Message, _new_work: NewWork) -> None:
        raise RuntimeError("a bug")

    await office.consumer({("fees.commands", "Broken"): broken})(
        [a_command("T-1"), a_raw_command({}, kind="Broken"), a_command("T-2")]
    )

    assert office.submitted == ["T-1", "T-2"]
    assert office.dead_letters == {"Broken": "RuntimeError: a bug"}


@pytest.mark.parametrize("kind", [("fees", "ExamFeeRefused"), ("fees.dead-letters", "MessageBuried")])
async def test_our_own_answers_to_others_change_nothing_here(office: Office, kind: tuple[str, str]) -> None:
    await office.consume([replace(a_raw_command({}, kind=kind[1]), context=kind[0])])

    assert (office.dead_letters, office.store.events, office.store.deliveries) == ({}, {}, {})


async def test_what_a_message_causes_carries_its_trace_and_the_next_message_its_own(office: Office) -> None:
    other = Trace("request-8", f"00-{'c' * 32}-{'d' * 16}-01")
    await office.consume([replace(a_command("T-1"), trace=A_TRACE), replace(a_command("T-2"), trace=other)])

    assert [event.trace for event in office.store.events.values()] == [A_TRACE, other]


async def test_two_messages_of_one_id_are_one(office: Office) -> None:
    first = a_message(id=UUID(int=7), type="SubmitExamFee", context="fees.commands", body=a_command("T-1").body)
    await office.consume([first, replace(first, subject=ids.new(), body=a_command("T-2").body)])

    assert office.submitted == ["T-1"]


async def test_a_message_that_calls_itself_an_aggregate_of_ours_is_buried_all_the_same(office: Office) -> None:
    await office.consume([a_command("T-1")])
    [submission] = office.store.submissions
    await office.consume([replace(a_raw_command({}, kind="Nope"), id=submission), a_command("T-2")])

    assert office.submitted == ["T-1", "T-2"]
    assert list(office.dead_letters) == ["Nope"]


async def test_a_buried_message_travels_no_further_than_its_beginning(office: Office) -> None:
    await office.consume([a_raw_command(b"x" * 1_000_000, kind="Nope")])

    [event] = [each for each in office.store.events.values() if each.type == "MessageBuried"]
    assert len(event.body) < 100_000


@pytest.mark.parametrize("failure", [RuntimeError("a bug"), Conflict("somebody was faster")])
@pytest.mark.parametrize("around", [0, 1, 6])
async def test_nothing_stays_of_a_message_that_fails_after_its_work_was_committed(
    office: Office, failure: Exception, around: int
) -> None:
    @per_message
    async def half_done(message: Message, new_work: NewWork) -> None:
        await office.routes["fees.commands", "SubmitExamFee"]([message], new_work)
        raise failure

    bad = replace(a_command("T-1"), type="HalfDone")
    others = [a_raw_command(b"{}", kind="Nope") for _ in range(around)]
    await office.consumer({("fees.commands", "HalfDone"): half_done})([*others, bad, a_command("T-2"), *others])

    assert office.submitted == ["T-2"]
    assert len(office.events("FeeSubmitted")) == 1
    assert ("HalfDone" in office.dead_letters) is isinstance(failure, RuntimeError)
    assert len(office.store.inbox) == around + 2


async def test_messages_that_cannot_take_effect_together_do_so_in_their_order(office: Office) -> None:
    batch = [a_command("T-1"), a_raw_command({}, kind="Nope"), a_command("T-1"), a_command("T-2"), a_command("T-1")]
    batch = [replace(message, trace=Trace(f"request-{number}")) for number, message in enumerate(batch)]
    await office.consume([*batch, *batch])

    told = [(event.type, event.trace.request_id[-1]) for event in office.store.events.values()]
    assert told == [
        ("FeeSubmitted", "0"),
        ("MessageBuried", "1"),
        ("ExamFeeRefused", "2"),
        ("FeeSubmitted", "3"),
        ("ExamFeeRefused", "4"),
    ]


async def test_messages_that_go_the_same_way_one_after_the_other_are_taken_as_a_run(office: Office) -> None:
    runs = list[list[str]]()

    async def run(messages: Sequence[Message], _new_work: NewWork) -> None:
        runs.append([message.type for message in messages])

    consumer = office.consumer({("fees.commands", kind): run for kind in ("A", "B")})
    a, b = (a_raw_command({}, kind=kind) for kind in ("A", "B"))
    await consumer([a, b, a, a_command("T-1"), replace(b, id=ids.new()), a_command("T-2")])

    assert runs == [["A", "B"], ["B"]]
    assert office.submitted == ["T-1", "T-2"]


async def test_a_failing_run_is_bisected_until_the_failing_message_is_alone(office: Office) -> None:
    taken = list[str]()

    async def run(messages: Sequence[Message], new_work: NewWork) -> None:
        if any(message.body == b"{" for message in messages):
            raise RuntimeError("a bug")
        await office.routes["fees.commands", "SubmitExamFee"](messages, new_work)
        taken.append(" ".join(str(message.version) for message in messages))

    batch = [replace(a_command(f"T-{number}"), type="Run", version=number) for number in (1, 2)]
    batch += [replace(a_raw_command(b"{", kind="Run"), version=3)]
    batch += [replace(a_command("T-2"), type="Run", version=4)]
    await office.consumer({("fees.commands", "Run"): run})(batch)

    assert taken == ["1 2", "4"]
    assert office.submitted == ["T-1", "T-2"]
    assert office.dead_letters == {"Run": "RuntimeError: a bug"}


async def test_others_have_their_turns_between_the_messages_of_a_run(office: Office) -> None:
    turns, taken = list[int](), list[Message]()

    @per_message
    async def take(message: Message, _new_work: NewWork) -> None:
        taken.append(message)

    async def other() -> None:
        while len(taken) < 3:
            turns.append(len(taken))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other())
        await asyncio.sleep(0)
        await take([a_command() for _ in range(3)], office.application.driven.new_work)

    assert {1, 2} <= set(turns)


@pytest.mark.parametrize(("max_per_transaction", "submitted"), [({}, []), ({SUBMIT: 2}, []), ({SUBMIT: 1}, ["T-1"])])
async def test_a_partition_pauses_after_a_bounded_number_of_messages(
    office: Office, max_per_transaction: dict[tuple[str, str], int], submitted: list[str]
) -> None:
    @per_message
    async def away(_message: Message, _new_work: NewWork) -> None:
        raise Unavailable("the database is away")

    consume = office.consumer({("fees.commands", "Away"): away}, max_per_transaction)
    await office.refuse_once(consume, a_command("T-1"), a_command("T-2"), a_raw_command({}, "Away"))

    assert office.submitted == submitted


async def test_messages_without_a_limit_are_not_counted(office: Office) -> None:
    few = [a_message(type="SubmitExamFee", context="fees.commands") for _ in range(3)]
    many = [a_message(type="FeeSubmitted", context="fees") for _ in range(5)]

    found = list(split_by_load([*few, *many, *few], {SUBMIT: 3}))

    assert found == [[*few, *many], few]
