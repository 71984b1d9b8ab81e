"""Behaviour of several relays that requires a real database."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.sql.messaging.outbox import SqlOutbox, unpublished_of
from config.container import Application
from core.messaging.message import Message, Publisher
from core.messaging.outbox import SHARD_COUNT, PublishFailure
from entrypoints.relay.relay import MAX_EVENTS_PER_BATCH, Relay
from tests.examples import NOON, a_submission, unpublished
from tests.units_of_work import any_work

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
LEASE_SECONDS = 60.0


class ManualTimer:
    """The clock of one relay, which advances while the relay is stopped."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def application(stored: Application) -> Application:
    """Insert fifty events into the outbox."""
    for _ in range(50):
        async with any_work(stored) as work:
            work.record(a_submission()[1])
            await work.commit()
    return stored


async def leases_run_out(application: Application) -> None:
    """Expire all leases on the database's clock."""
    async with application.storage.database().writing() as connection:
        for table in ("relay_leases", "relays"):
            await connection.execute(text(f"UPDATE {table} SET until = '2020-01-01'"))
        await connection.commit()


async def test_relays_share_the_events_and_no_event_has_two_relays(application: Application) -> None:
    relays = [SqlOutbox(application.storage.database(), name) for name in "abc"]
    for _ in range(2):
        for relay in relays:
            await relay.renew(LEASE_SECONDS)
    shares = [await relay.renew(LEASE_SECONDS) for relay in relays]
    seen = [{event.position for event in await relay.unpublished(100)} for relay in relays]

    assert (sum(shares), max(shares)) == (SHARD_COUNT, 22)
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]
    assert len(seen[0] | seen[1] | seen[2]) == 50


async def test_the_shards_of_a_dead_relay_are_taken_over(application: Application) -> None:
    dead, alive = (SqlOutbox(application.storage.database(), name) for name in ("dead", "alive"))
    await dead.renew(LEASE_SECONDS)
    assert await alive.renew(LEASE_SECONDS) == 0
    assert await alive.unpublished(100) == []

    await leases_run_out(application)

    assert await alive.renew(LEASE_SECONDS) == SHARD_COUNT
    assert len(await alive.unpublished(100)) == 50


async def test_a_relay_that_was_stopped_past_its_lease_neither_reads_nor_deletes(application: Application) -> None:
    watch = ManualTimer()
    stopped = SqlOutbox(application.storage.database(), "stopped", watch)
    await stopped.renew(LEASE_SECONDS)
    in_flight = await stopped.unpublished(10)

    watch.seconds += LEASE_SECONDS + 1
    await leases_run_out(application)
    other = SqlOutbox(application.storage.database(), "other")
    await other.renew(LEASE_SECONDS)

    assert await stopped.unpublished(10) == []
    assert await stopped.mark_published(in_flight, NOON) == 0
    assert len(await other.unpublished(100)) == 50
    assert await other.mark_published(await other.unpublished(10), NOON) == 10


async def test_a_relay_stopped_while_polling_reads_nothing(application: Application) -> None:
    moments = iter([0.0, 0.0, LEASE_SECONDS + 1])
    relay = SqlOutbox(application.storage.database(), "stopped", lambda: next(moments))
    await relay.renew(LEASE_SECONDS)

    assert await relay.unpublished(10) == []


async def test_a_relay_that_stops_leaves_its_shards_to_others_at_once(application: Application) -> None:
    first, second = (SqlOutbox(application.storage.database(), name) for name in ("first", "second"))
    await first.renew(LEASE_SECONDS)
    await first.renew(0)

    assert await first.unpublished(10) == []
    assert await second.renew(LEASE_SECONDS) == SHARD_COUNT


async def test_an_event_that_is_committed_late_is_not_skipped(application: Application) -> None:
    relay = SqlOutbox(application.storage.database(), "relay")
    await relay.renew(LEASE_SECONDS)
    _, late = a_submission()
    _, early = a_submission()
    async with application.messaging.new_inbox() as slow:
        async with any_work(application, slow) as work:
            work.record(late)
            await work.commit()
        async with any_work(application) as work:
            work.record(early)
            await work.commit()
        sent = await relay.unpublished(100)
        await relay.mark_published(sent, NOON)
        await slow.commit()

    assert early.subject in {event.message.subject for event in sent}
    assert [event.message.subject for event in await relay.unpublished(100)] == [late.subject]


async def test_what_is_blocked_comes_again_when_its_time_has_come(application: Application) -> None:
    relay = SqlOutbox(application.storage.database(), "relay")
    await relay.renew(LEASE_SECONDS)
    first, *_ = await relay.unpublished(1)
    await relay.block([PublishFailure(first, "too large")])
    assert first.position not in {event.position for event in await relay.unpublished(100)}

    async with application.storage.database().writing() as connection:
        await connection.execute(text("UPDATE blocked_aggregates SET until = '2020-01-01'"))
        await connection.commit()
    [again] = await relay.unpublished(1)
    await relay.mark_published([again], NOON + timedelta(seconds=1))

    assert again.position == first.position
    assert (await application.messaging.backlog().snapshot()).blocked == []


async def test_hundreds_of_stuck_aggregates_do_not_starve_the_others(application: Application) -> None:
    class PartlyRefusingPublisher(Publisher):
        """A broker that does not acknowledge the first records."""

        async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
            return [ValueError("no") if message.subject in stuck else None for message in messages]

    stuck = {event.message.subject for event in await unpublished(application, 1_000)} | await commit(
        application, MAX_EVENTS_PER_BATCH + 100
    )
    await commit(application, 10)
    process, messaging = application.process, application.messaging
    relay = Relay(messaging.outbox(), PartlyRefusingPublisher(), process.signals(), process.clock())
    async with asyncio.timeout(20):
        while (await messaging.backlog().snapshot()).waiting > len(stuck):
            await relay.relay()

    state = await messaging.backlog().snapshot()
    assert {each.aggregate for each in state.blocked} <= stuck
    assert state.waiting == len(stuck)


async def test_polling_a_long_outbox_reads_only_its_head(application: Application) -> None:
    await commit(application, 2_000)
    async with application.storage.database().autocommit() as connection:
        await connection.execute(text("ANALYZE TABLE outbox, event_log, blocked_aggregates"))
        for shards in (range(SHARD_COUNT), range(5)):
            look = unpublished_of(shards).limit(10).compile(connection.engine, compile_kwargs={"literal_binds": True})
            plan = [row.Extra or "" for row in await connection.execute(text(f"EXPLAIN FORMAT=TRADITIONAL {look}"))]
            assert not [step for step in plan if "filesort" in step or "temporary" in step], plan


async def commit(application: Application, number: int) -> set[UUID]:
    """Commit events of as many aggregates, and return the aggregates."""
    events = [a_submission()[1] for _ in range(number)]
    async with any_work(application) as work:
        work.record(*events)
        await work.commit()
    return {event.subject for event in events}
