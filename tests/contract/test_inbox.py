"""The contract of `Inbox`, for every adapter."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from config.container import Application
from core.fees.errors import FeeAlreadySubmitted
from core.fees.submission import FeeSubmitted, Submission
from core.kernel.errors import Conflict, Invalid, Unavailable
from core.messaging.inbox import IdReused, Inbox
from core.messaging.message import Message
from core.messaging.outbox import OUTBOX_SIGNAL
from core.notifications.delivery import DeliveryState
from tests.examples import a_delivery, a_message, a_student, a_submission, unpublished
from tests.units_of_work import any_work


async def test_a_message_is_new_once(stored: Application) -> None:
    message, other = a_message(), a_message()
    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(message)) == [message]
        await inbox.commit()

    async with stored.messaging.new_inbox() as inbox:
        assert not await inbox.deduplicate(message)
    async with stored.messaging.new_inbox() as inbox:
        assert await inbox.deduplicate(other)


async def test_of_a_batch_what_is_new_comes_back_once_and_in_order(stored: Application) -> None:
    messages = [a_message() for _ in range(5)]
    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(messages[3], messages[1], messages[3])) == [messages[3], messages[1]]
        await inbox.commit()

    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(*reversed(messages), *messages)) == [messages[4], messages[2], messages[0]]
        await inbox.commit()

    async with stored.messaging.new_inbox() as inbox:
        assert not await inbox.deduplicate(*messages)
        await inbox.commit()


@pytest.mark.parametrize("change", [{"body": b"[]"}, {"type": "Other"}, {"context": "other"}, {"subject": UUID(int=1)}])
async def test_an_id_belongs_to_one_content(stored: Application, change: dict[str, Any]) -> None:
    message = a_message()
    other = replace(message, **change)
    async with stored.messaging.new_inbox() as inbox:
        with pytest.raises(IdReused, match=str(message.id)):
            await inbox.deduplicate(a_message(), message, other)
    async with stored.messaging.new_inbox() as inbox:
        assert message in await inbox.deduplicate(message, a_message(), message)
        await inbox.commit()

    for batch in ([other], [a_message(), other], [message, other]):
        with pytest.raises(IdReused, match=str(message.id)):
            async with stored.messaging.new_inbox() as inbox:
                await inbox.deduplicate(*batch)
    async with stored.messaging.new_inbox() as inbox:
        assert not await inbox.deduplicate(replace(message, version=2, origin={"offset": "8"}))


async def test_of_concurrent_messages_with_one_id_and_two_contents_one_takes_effect(stored: Application) -> None:
    message = a_message()

    async def consume(some: Message) -> bool:
        async with stored.messaging.new_inbox() as inbox:
            new = bool(await inbox.deduplicate(some))
            await inbox.commit()
        return new

    contents = [replace(message, body=body) for body in (b"1", b"2", b"1", b"2")]
    outcomes = await asyncio.gather(*map(consume, contents), return_exceptions=True)

    assert outcomes.count(True) == outcomes.count(False) == 1
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [IdReused, IdReused]


async def test_what_was_not_committed_is_new_again(stored: Application) -> None:
    message = a_message()
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(message)

    async with stored.messaging.new_inbox() as inbox:
        assert await inbox.deduplicate(message)


async def test_an_effect_and_its_message_are_one_transaction(stored: Application) -> None:
    message, (submission, submitted) = a_message(), a_submission()

    async def take(*, commit: bool) -> None:
        async with stored.messaging.new_inbox() as inbox:
            assert await inbox.deduplicate(message)
            async with any_work(stored, inbox) as work:
                work.submissions.add(submission)
                work.record(submitted)
                await work.commit()
            if commit:
                await inbox.commit()

    await take(commit=False)
    assert await stored.fees.exam_fees().find(submission.id) is None
    assert not await unpublished(stored, 10)

    await take(commit=True)
    assert await stored.fees.exam_fees().find(submission.id) is not None
    assert len(await unpublished(stored, 10)) == 1


async def test_a_refused_savepoint_rolls_back_nothing_else(stored: Application) -> None:
    first, _ = a_submission()
    again, announced = a_submission(student=first.student)
    third, _ = a_submission()
    async with stored.messaging.new_inbox() as inbox:
        async with any_work(stored, inbox) as work:
            work.submissions.add(first)
            await work.commit()
        with pytest.raises(FeeAlreadySubmitted):
            async with any_work(stored, inbox) as work:
                work.record(announced)
                work.submissions.add(again)
                await work.commit()
        async with any_work(stored, inbox) as work:
            work.submissions.add(third)
            await work.commit()
        await inbox.commit()

    found = [await stored.fees.exam_fees().find(each.id) for each in (first, again, third)]
    assert [fee is not None for fee in found] == [True, False, True]
    assert not await unpublished(stored, 10)


async def test_a_part_left_without_commit_never_happened(stored: Application) -> None:
    submission, submitted = a_submission()
    async with stored.messaging.new_inbox() as inbox:
        async with any_work(stored, inbox) as work:
            work.submissions.add(submission)
            work.record(submitted)
        await inbox.commit()

    assert await stored.fees.exam_fees().find(submission.id) is None
    assert not await unpublished(stored, 10)


async def test_two_consumers_of_one_message_have_one_effect(stored: Application) -> None:
    message, effects = a_message(), []

    async def consume() -> None:
        submission, _ = a_submission()
        async with stored.messaging.new_inbox() as inbox:
            if await inbox.deduplicate(message):
                async with any_work(stored, inbox) as work:
                    work.submissions.add(submission)
                    await work.commit()
                effects.append(submission.id)
            await inbox.commit()

    await asyncio.gather(*(consume() for _ in range(4)))

    assert len(effects) == 1


async def test_a_buried_message_does_not_come_again(stored: Application) -> None:
    bad = a_message(body=b"\xff not json", origin={"topic": "t", "offset": "7"})
    async with stored.messaging.new_inbox() as inbox:
        assert await inbox.deduplicate(bad)
        await inbox.bury(bad, Invalid("it makes no sense"))
        await inbox.commit()

    async with stored.messaging.new_inbox() as inbox:
        assert not await inbox.deduplicate(bad)


async def test_an_outage_undoes_the_whole_batch(stored: Application) -> None:
    message = a_message()
    with pytest.raises(Unavailable):
        async with stored.messaging.new_inbox() as inbox:
            await inbox.deduplicate(message)
            raise Unavailable("a vendor is away")

    async with stored.messaging.new_inbox() as inbox:
        assert await inbox.deduplicate(message)


async def test_a_batch_and_all_its_effects_are_one_transaction(stored: Application) -> None:
    messages = [a_message() for _ in range(3)]
    effects = {message.id: a_submission() for message in messages}
    bell = stored.process.signals().listen(OUTBOX_SIGNAL)

    async def take(*, commit: bool) -> None:
        async with stored.messaging.new_inbox() as inbox:
            for message in await inbox.deduplicate(*messages):
                await submit(stored, inbox, *effects[message.id])
            assert not bell.is_set()
            if commit:
                await inbox.commit()

    await take(commit=False)
    assert await submitted(stored, *effects.values()) == [False, False, False]
    assert not await unpublished(stored, 10)

    await take(commit=True)
    assert await submitted(stored, *effects.values()) == [True, True, True]
    assert bell.is_set()
    assert [each.message.subject for each in await unpublished(stored, 10)] == [
        submission.id for submission, _ in effects.values()
    ]


async def test_a_conflict_in_a_batch_shows_at_its_commit_and_nothing_of_it_happens(stored: Application) -> None:
    messages, first = [a_message(), a_message(), a_message()], a_submission()
    again, other = a_submission(student=first[0].student), a_submission()
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(*messages)
        for each in (first, again, other):
            await submit(stored, inbox, *each)
        with pytest.raises(Conflict):
            await inbox.commit()

    assert await submitted(stored, first, again, other) == [False, False, False]
    assert not await unpublished(stored, 10)
    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(*messages)) == messages


@pytest.mark.parametrize("look", [False, True])
async def test_a_part_of_a_batch_that_was_left_without_commit_never_happened_and_the_others_did(
    stored: Application, *, look: bool
) -> None:
    messages, before, left, after = [a_message(), a_message()], a_submission(), a_submission(), a_submission()
    delivery = a_delivery()
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(*messages)
        await submit(stored, inbox, *before)
        async with any_work(stored, inbox) as work:
            work.deliveries.add(delivery)
            await work.commit()
        with suppress(Invalid):
            async with any_work(stored, inbox) as work:
                work.submissions.add(left[0])
                if look:
                    case = await work.in_doubt_deliveries.find(delivery.id)
                    case.state = DeliveryState.SENT
                    await work.in_doubt_deliveries.save(case)
                raise Invalid("on second thoughts")
        await submit(stored, inbox, *after)
        await inbox.commit()

    assert await submitted(stored, before, left, after) == [True, False, True]
    async with any_work(stored) as work:
        assert (await work.in_doubt_deliveries.find(delivery.id)).state is delivery.state
    async with stored.messaging.new_inbox() as inbox:
        assert not await inbox.deduplicate(*messages)


async def test_a_part_of_a_batch_sees_what_those_before_it_wrote(stored: Application) -> None:
    student, delivery, bell = a_student(), a_delivery(), stored.process.signals().listen(OUTBOX_SIGNAL)
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(a_message(), a_message(), a_message())
        async with any_work(stored, inbox) as work:
            work.students.add(student)
            await work.commit()
        async with any_work(stored, inbox) as work:
            known = await work.students.lock([student.enrolment.registration.lower()])
            work.deliveries.add(delivery)
            work.record(a_submission()[1])
            await work.commit()
        async with any_work(stored, inbox) as work:
            case = await work.in_doubt_deliveries.find(delivery.id)
            await work.commit()
        assert not bell.is_set()
        await inbox.commit()

    assert known == {student.enrolment.registration.lower(): student}
    assert (case.id, case.state) == (delivery.id, delivery.state)
    assert bell.is_set()
    assert len(await unpublished(stored, 10)) == 1


@pytest.mark.parametrize("overlooked", [False, True])
async def test_what_a_part_sees_of_a_conflict_is_the_conflict_of_the_batch(
    stored: Application, *, overlooked: bool
) -> None:
    messages, first = [a_message() for _ in range(4)], a_submission()
    again, other = a_submission(student=first[0].student), a_submission()
    with pytest.raises(Conflict):
        async with stored.messaging.new_inbox() as inbox:
            await inbox.deduplicate(*messages)
            for each in (first, again):
                await submit(stored, inbox, *each)
            async with any_work(stored, inbox) as work:
                with suppress(*[Conflict] * overlooked):
                    await work.students.lock(["t-1"])
                await work.commit()
            await submit(stored, inbox, *other)
            await inbox.commit()

    assert await submitted(stored, first, again, other) == [False, False, False]
    async with stored.messaging.new_inbox() as inbox:
        assert list(await inbox.deduplicate(*messages)) == messages


async def test_batches_that_overlap_have_one_effect_a_message(stored: Application) -> None:
    messages, effects = [a_message() for _ in range(6)], list[UUID]()

    async def consume(batch: Sequence[Message]) -> None:
        async with stored.messaging.new_inbox() as inbox:
            new = await inbox.deduplicate(*batch)
            for _ in new:
                await submit(stored, inbox, *a_submission())
            await inbox.commit()
        effects.extend(message.id for message in new)

    batches = [messages[:4], messages[2:], messages, messages[::-1]]
    await asyncio.gather(*map(consume, batches), return_exceptions=True)
    for message in messages:
        await consume([message])

    assert sorted(effects) == sorted(message.id for message in messages)
    assert len(await unpublished(stored, 100)) == 6


async def submit(stored: Application, inbox: Inbox, submission: Submission, announcement: FeeSubmitted) -> None:
    async with any_work(stored, inbox) as work:
        work.submissions.add(submission)
        work.record(announcement)
        await work.commit()


async def submitted(stored: Application, *submissions: tuple[Submission, FeeSubmitted]) -> list[bool]:
    found = [await stored.fees.exam_fees().find(each.id) for each, _ in submissions]
    return [fee is not None for fee in found]
