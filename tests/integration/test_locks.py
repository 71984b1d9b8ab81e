"""What only a database with row locks can show."""

import asyncio
from collections import Counter

import pytest

from config.container import Application
from core.shared.dead_letters import LetterAlreadySettled, LetterState
from core.shared.decisions import Decision
from core.shared.errors import Invalid, Unavailable
from core.shared.requests import RequestInProgress, RequestRepeated
from tests.examples import (
    a_message,
    a_request,
    a_schedule,
    a_student,
    a_submission,
    enrol,
    publish,
    unpublished,
)
from tests.integration.test_outages import client

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)


async def test_a_request_that_is_still_being_worked_on_is_told_apart_after_two_seconds(stored: Application) -> None:
    async def repeat() -> None:
        async with stored.driven.new_work() as work:
            work.answer(a_request(), "second")
            await work.commit()

    async with stored.driven.inbox() as slow:
        async with slow.new_work() as part:
            part.answer(a_request(), "first")
            await part.commit()
        async with asyncio.timeout(5):
            with pytest.raises(RequestInProgress):
                await repeat()
        await slow.commit()

    with pytest.raises(RequestRepeated):
        await repeat()


async def test_a_repetition_waits_for_the_first_to_end(stored: Application) -> None:
    async def repeat() -> str:
        try:
            async with stored.driven.new_work() as work:
                work.answer(a_request(), "second")
                await work.commit()
        except RequestRepeated:
            return "repeated"
        return "done"

    async with stored.driven.inbox() as first:
        async with first.new_work() as part:
            part.answer(a_request(), "first")
            await part.commit()
        waiting = asyncio.create_task(repeat())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await first.commit()

    assert await waiting == "repeated"
    assert await stored.driven.answers().to(a_request()) == b'"first"'


async def test_whoever_waits_for_a_candidate_longer_than_two_seconds_comes_again(stored: Application) -> None:
    first, _ = a_submission()
    second, _ = a_submission(student=first.student)
    async with stored.driven.inbox() as slow:
        async with slow.new_work() as part:
            part.submissions.add(first)
            await part.commit()
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                async with stored.driven.new_work() as work:
                    work.submissions.add(second)
                    await work.commit()


async def test_a_message_two_consumers_hold_at_once_takes_effect_once(stored: Application) -> None:
    message = a_message()
    async with stored.driven.inbox() as first:
        assert await first.accept(message)

        async def second() -> bool:
            async with stored.driven.inbox() as inbox:
                new = await inbox.accept(message)
                await inbox.commit()
            return new

        other = asyncio.create_task(second())
        done, _ = await asyncio.wait({other}, timeout=0.3)
        assert not done
        await first.commit()

    assert await other is False


async def test_of_fifty_at_once_with_one_key_one_takes_effect(stored: Application) -> None:
    await publish(stored, a_schedule())
    await enrol(stored, a_student(1))
    body, headers = {"schedule": "sahyadri-test", "registration": "T-1"}, {"Idempotency-Key": "k"}
    async with client(stored) as office:
        async with asyncio.timeout(20):
            answers = await asyncio.gather(
                *(office.post("/v1/exam-fees", json=body, headers=headers) for _ in range(50))
            )
        [fee] = (await office.get("/v1/students/T-1/exam-fees")).json()["items"]

    # whoever finds the first still at work waits up to two seconds for its end: nobody is told to come again
    assert Counter(answer.status_code for answer in answers) == {201: 50}, {answer.text for answer in answers}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert fee["id"] == answers[0].json()["id"]
    [event] = await unpublished(stored)
    assert (event.message.type, str(event.message.subject)) == ("FeeSubmitted", fee["id"])


async def test_nobody_waits_for_whoever_is_just_settling_a_dead_letter(stored: Application) -> None:
    message, asha = a_message(), Decision(who="asha", why="mended")
    async with stored.driven.inbox() as inbox:
        await inbox.bury(message, Invalid("it makes no sense"))
        await inbox.commit()

    async with stored.driven.inbox() as slow:
        await slow.dead_letters.settle(message.id, LetterState.REPLAYED, asha)
        async with asyncio.timeout(1), stored.driven.inbox() as second:
            with pytest.raises(LetterAlreadySettled, match="somebody else is settling it at this moment"):
                await second.dead_letters.settle(message.id, LetterState.DROPPED, asha)
        await slow.commit()

    found = await stored.driven.dead_letter_office().find(message.id)
    assert found is not None
    assert found[0].state is LetterState.REPLAYED
