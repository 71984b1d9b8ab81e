"""The contract of `Outbox`, for every adapter."""

from dataclasses import replace
from datetime import timedelta

from config.container import Application
from core.messaging.outbox import SHARD_COUNT, PublishFailure
from tests.examples import NOON, a_submission, unpublished
from tests.units_of_work import any_work


async def test_events_come_out_in_the_order_they_were_committed(stored: Application) -> None:
    announced = [a_submission()[1] for _ in range(5)]
    for event in announced:
        async with any_work(stored) as work:
            work.record(event)
            await work.commit()

    outgoing = await unpublished(stored, 3)

    assert [event.message.subject for event in outgoing] == [event.subject for event in announced[:3]]


async def test_what_the_broker_has_does_not_come_again(stored: Application) -> None:
    outbox = stored.messaging.outbox()
    for _ in range(3):
        async with any_work(stored) as work:
            work.record(a_submission()[1])
            await work.commit()
    first, second, third = await unpublished(stored, 10)

    await outbox.mark_published([first, third], NOON)

    assert [event.message.id for event in await unpublished(stored, 10)] == [second.message.id]


async def test_telling_twice_that_it_is_published_does_no_harm(stored: Application) -> None:
    outbox = stored.messaging.outbox()
    submission, submitted = a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()
    batch = await unpublished(stored, 10)

    await outbox.mark_published(batch, NOON)
    await outbox.mark_published(batch, NOON + timedelta(hours=1))

    found = await stored.fees.exam_fees().find(submission.id)
    assert found is not None
    assert [entry.at for entry in found.timeline if entry.what == "published"] == [NOON]


async def test_the_timeline_tells_when_it_was_received_stored_and_published(stored: Application) -> None:
    submission, submitted = a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()
    await stored.messaging.outbox().mark_published(await unpublished(stored, 10), NOON + timedelta(seconds=2))

    found = await stored.fees.exam_fees().find(submission.id)

    assert found is not None
    assert [(entry.what, entry.at) for entry in found.timeline] == [
        ("received", NOON),
        ("stored", NOON + timedelta(seconds=1)),
        ("published", NOON + timedelta(seconds=2)),
    ]


async def test_a_blocked_aggregate_holds_back_its_own_events_and_no_others(stored: Application) -> None:
    outbox = stored.messaging.outbox()
    (_, refused), (_, other) = a_submission(), a_submission()
    for event in (refused, other, replace(refused, version=2)):
        async with any_work(stored) as work:
            work.record(event)
            await work.commit()
    first, *_ = await unpublished(stored)

    await outbox.block([PublishFailure(first, "too large")])

    assert [event.message.subject for event in await unpublished(stored)] == [other.subject]
    state = await stored.messaging.backlog().snapshot()
    assert (state.waiting, [(each.aggregate, each.attempts, each.reason) for each in state.blocked]) == (
        3,
        [(refused.subject, 1, "too large")],
    )


async def test_the_backlog_tells_what_waits_and_since_when(stored: Application) -> None:
    empty = await stored.messaging.backlog().snapshot()
    async with any_work(stored) as work:
        work.record(a_submission()[1])
        await work.commit()
    waiting = await stored.messaging.backlog().snapshot()

    assert (empty.waiting, empty.oldest) == (0, None)
    assert (waiting.waiting, waiting.oldest) == (1, NOON + timedelta(seconds=1))
    assert sum(waiting.relays.values()) == SHARD_COUNT
