"""Behaviour that requires a database with row locks."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from config.container import Application
from core.inventory.create_batch import Purchase
from core.kernel.decisions import Decision
from core.kernel.errors import Conflict, Invalid, Unavailable
from core.kernel.idempotency import RequestContext, RequestInProgress, RequestRepeated
from core.messaging.dead_letters import DeadLetterState, LetterAlreadySettled
from core.messaging.message import Message
from core.messaging.retention import RetainedRecords
from tests.examples import (
    NOON,
    StoppedClock,
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
from tests.units_of_work import any_work

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)


async def test_a_request_that_is_still_being_worked_on_is_told_apart_after_two_seconds(stored: Application) -> None:
    async def repeat() -> None:
        async with any_work(stored) as work:
            work.record_answer(a_request(), "second")
            await work.commit()

    async with stored.messaging.new_inbox() as slow:
        async with any_work(stored, slow) as part:
            part.record_answer(a_request(), "first")
            await part.commit()
        async with asyncio.timeout(3.5):
            with pytest.raises(RequestInProgress):
                await repeat()
        await slow.commit()

    with pytest.raises(RequestRepeated):
        await repeat()


async def test_a_repetition_waits_for_the_first_to_end(stored: Application) -> None:
    async def repeat() -> str:
        try:
            async with any_work(stored) as work:
                work.record_answer(a_request(), "second")
                await work.commit()
        except RequestRepeated:
            return "repeated"
        return "done"

    async with stored.messaging.new_inbox() as first:
        async with any_work(stored, first) as part:
            part.record_answer(a_request(), "first")
            await part.commit()
        waiting = asyncio.create_task(repeat())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await first.commit()

    assert await waiting == "repeated"
    assert await stored.messaging.answers().find(a_request()) == b'"first"'


async def test_a_lock_wait_of_two_seconds_is_answered_with_retry_after(stored: Application) -> None:
    first, _ = a_submission()
    second, _ = a_submission(student=first.student)
    async with stored.messaging.new_inbox() as slow:
        async with any_work(stored, slow) as part:
            part.submissions.add(first)
            await part.commit()
        async with asyncio.timeout(3.5):
            with pytest.raises(Unavailable):
                async with any_work(stored) as work:
                    work.submissions.add(second)
                    await work.commit()


async def test_a_message_processed_by_two_consumers_concurrently_takes_effect_once(stored: Application) -> None:
    message = a_message()
    async with stored.messaging.new_inbox() as first:
        assert await first.deduplicate(message)

        async def second() -> Sequence[Message]:
            async with stored.messaging.new_inbox() as inbox:
                new = await inbox.deduplicate(message)
                await inbox.commit()
            return new

        other = asyncio.create_task(second())
        done, _ = await asyncio.wait({other}, timeout=0.3)
        assert not done
        await first.commit()

    assert not await other


async def test_a_batch_processed_by_two_consumers_concurrently_takes_effect_once(stored: Application) -> None:
    messages = [a_message(), a_message()]
    async with stored.messaging.new_inbox() as first, stored.messaging.new_inbox() as second:
        assert list(await first.deduplicate(*messages)) == list(await second.deduplicate(*messages)) == messages
        await first.commit()
        with pytest.raises(Conflict):
            await second.commit()


@pytest.mark.parametrize(("many", "told"), [(2, Conflict), (1, Unavailable)])
async def test_a_batch_that_gives_way_to_another_can_be_taken_apart(
    stored: Application, many: int, told: type[Exception]
) -> None:
    """Messages about several skus can have them in any order; a transaction locks them in one global order."""
    both_hold_one = asyncio.Barrier(2)
    for sku in ("GOWN", "PEN"):
        purchase = Purchase(reference=f"B-{sku}", sku=sku, quantity=1)
        await stored.use_cases().inventory.create_batch(purchase, RequestContext(arrived=NOON))

    async def take(*skus: str) -> None:
        async with stored.messaging.new_inbox() as inbox:
            await inbox.deduplicate(*[a_message() for _ in range(many)])
            for sku in skus:
                async with any_work(stored, inbox) as part:
                    await part.skus.lock([sku])
                    await part.commit()
                if sku == skus[0]:
                    await both_hold_one.wait()
            await inbox.commit()

    outcomes = await asyncio.gather(take("GOWN", "PEN"), take("PEN", "GOWN"), return_exceptions=True)

    (failed,) = [each for each in outcomes if each is not None]
    assert isinstance(failed, told)


@pytest.mark.parametrize("memory", [RetainedRecords.REQUESTS, RetainedRecords.INBOX])
@pytest.mark.parametrize("many", [3, 300])
async def test_purging_neither_blocks_nor_is_blocked_by_other_transactions(
    stored: Application, memory: RetainedRecords, many: int
) -> None:
    """A delete that reads more rows than it deletes would wait for uncommitted rows."""
    clock = StoppedClock()
    stored.process.clock.override(clock)
    async with any_work(stored) as work:
        for number in range(many):
            work.record_answer(a_request(f"old-{number}"), "answer")
        await work.commit()
    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(*(a_message() for _ in range(many)))
        await inbox.commit()
    clock.pass_by(timedelta(days=30))

    async with stored.messaging.new_inbox() as slow:
        await slow.deduplicate(a_message())
        async with any_work(stored, slow) as part:
            part.record_answer(a_request("a-new-one"), "answer")
            await part.commit()
        async with asyncio.timeout(1):
            assert await stored.messaging.retention().purge(memory, clock.now() - timedelta(days=1), 1_000) == many
        await slow.commit()

    assert await stored.messaging.retention().purge(memory, clock.now() + timedelta(days=1), 1_000) == 1


async def test_of_fifty_at_once_with_one_key_one_takes_effect(stored: Application) -> None:
    await publish(stored, a_schedule())
    await enrol(stored, a_student(1))
    body, headers = {"schedule": "sahyadri-test", "registration": "T-1"}, {"Idempotency-Key": "k"}
    async with client(stored) as http:
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(http.post("/v1/exam-fees", json=body, headers=headers) for _ in range(50)))
        [fee] = (await http.get("/v1/students/T-1/exam-fees")).json()["items"]

    # the second request waits up to two seconds for the first, instead of a refusal
    assert Counter(answer.status_code for answer in answers) == {201: 50}, {answer.text for answer in answers}
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert fee["id"] == answers[0].json()["id"]
    [event] = await unpublished(stored)
    assert (event.message.type, str(event.message.subject)) == ("FeeSubmitted", fee["id"])


async def test_settling_a_dead_letter_blocks_no_other_transaction(stored: Application) -> None:
    message, asha = a_message(), Decision(who="asha", why="mended")
    async with stored.messaging.new_inbox() as inbox:
        await inbox.bury(message, Invalid("it makes no sense"))
        await inbox.commit()

    async with stored.messaging.new_inbox() as slow:
        await slow.dead_letters.settle(message.id, DeadLetterState.REPLAYED, asha)
        async with asyncio.timeout(1), stored.messaging.new_inbox() as second:
            with pytest.raises(LetterAlreadySettled, match="another request is settling it at this moment"):
                await second.dead_letters.settle(message.id, DeadLetterState.DROPPED, asha)
        await slow.commit()

    found = await stored.messaging.dead_letter_list().find(message.id)
    assert found is not None
    assert found[0].state is DeadLetterState.REPLAYED
