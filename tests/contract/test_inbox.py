"""Whatever stands behind `Inbox` must behave like this."""

import asyncio

import pytest

from config.container import Application
from core.fees.errors import FeeAlreadySubmitted
from core.shared.errors import Invalid, Unavailable
from tests.examples import a_message, a_submission, unpublished


async def test_a_message_is_new_once(stored: Application) -> None:
    message = a_message()
    async with stored.driven.inbox() as inbox:
        assert await inbox.accept(message)
        assert not await inbox.accept(message)
        await inbox.commit()

    async with stored.driven.inbox() as inbox:
        assert not await inbox.accept(message)
        assert await inbox.accept(a_message())


async def test_what_was_not_committed_is_new_again(stored: Application) -> None:
    message = a_message()
    async with stored.driven.inbox() as inbox:
        await inbox.accept(message)

    async with stored.driven.inbox() as inbox:
        assert await inbox.accept(message)


async def test_an_effect_and_its_message_are_one_transaction(stored: Application) -> None:
    message, (submission, submitted) = a_message(), a_submission()

    async def take(*, commit: bool) -> None:
        async with stored.driven.inbox() as inbox:
            assert await inbox.accept(message)
            async with inbox.new_work() as work:
                work.submissions.add(submission)
                work.record(submitted)
                await work.commit()
            if commit:
                await inbox.commit()

    await take(commit=False)
    assert await stored.driven.exam_fees().find(submission.id) is None
    assert not await unpublished(stored, 10)

    await take(commit=True)
    assert await stored.driven.exam_fees().find(submission.id) is not None
    assert len(await unpublished(stored, 10)) == 1


async def test_a_part_that_is_refused_takes_nothing_else_with_it(stored: Application) -> None:
    first, _ = a_submission()
    again, announced = a_submission(student=first.student)
    third, _ = a_submission()
    async with stored.driven.inbox() as inbox:
        async with inbox.new_work() as work:
            work.submissions.add(first)
            await work.commit()
        with pytest.raises(FeeAlreadySubmitted):
            async with inbox.new_work() as work:
                work.record(announced)
                work.submissions.add(again)
                await work.commit()
        async with inbox.new_work() as work:
            work.submissions.add(third)
            await work.commit()
        await inbox.commit()

    found = [await stored.driven.exam_fees().find(each.id) for each in (first, again, third)]
    assert [fee is not None for fee in found] == [True, False, True]
    assert not await unpublished(stored, 10)


async def test_a_part_left_without_commit_never_happened(stored: Application) -> None:
    submission, submitted = a_submission()
    async with stored.driven.inbox() as inbox:
        async with inbox.new_work() as work:
            work.submissions.add(submission)
            work.record(submitted)
        await inbox.commit()

    assert await stored.driven.exam_fees().find(submission.id) is None
    assert not await unpublished(stored, 10)


async def test_two_consumers_of_one_message_have_one_effect(stored: Application) -> None:
    message, effects = a_message(), []

    async def consume() -> None:
        submission, _ = a_submission()
        async with stored.driven.inbox() as inbox:
            if await inbox.accept(message):
                async with inbox.new_work() as work:
                    work.submissions.add(submission)
                    await work.commit()
                effects.append(submission.id)
            await inbox.commit()

    await asyncio.gather(*(consume() for _ in range(4)))

    assert len(effects) == 1


async def test_a_buried_message_keeps_the_batch_going(stored: Application) -> None:
    bad, good = a_message(body=b"\xff not json", origin={"topic": "t", "offset": "7"}), a_message()
    async with stored.driven.inbox() as inbox:
        assert await inbox.accept(bad)
        await inbox.bury(bad, Invalid("it makes no sense"))
        assert await inbox.accept(good)
        await inbox.commit()

    async with stored.driven.inbox() as inbox:
        assert not await inbox.accept(bad)
        assert not await inbox.accept(good)


async def test_an_outage_undoes_the_whole_batch(stored: Application) -> None:
    message = a_message()
    with pytest.raises(Unavailable):
        async with stored.driven.inbox() as inbox:
            await inbox.accept(message)
            raise Unavailable("a vendor is away")

    async with stored.driven.inbox() as inbox:
        assert await inbox.accept(message)
