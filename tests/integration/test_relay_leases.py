"""What only several relays on one real database can show."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.sql.outbox import SqlOutbox, oldest
from config.container import Application
from core.messaging.message import Message, Publisher
from core.messaging.outbox import SHARD_COUNT, PublishFailure
from entrypoints.relay.relay import MAX_EVENTS_PER_BATCH, Relay
from tests.examples import NOON, a_submission, unpublished

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
LEASE_SECONDS = 60.0


class ManualTimer:
    """A clock on one relay's wrist, which goes on while the relay is stopped."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def office(stored: Application) -> Application:
    """Put fifty events into the outbox."""
    for _ in range(50):
        async with stored.driven.new_work() as work:
            work.record(a_submission()[1])
            await work.commit()
    return stored


async def leases_run_out(office: Application) -> None:
    """Let the time of every lease pass, on the database's clock."""
    async with office.driven.database().writing() as connection:
        for table in ("relay_leases", "relays"):
            await connection.execute(text(f"UPDATE {table} SET until = '2020-01-01'"))
        await connection.commit()


async def test_relays_share_the_events_and_no_event_has_two_relays(office: Application) -> None:
    relays = [SqlOutbox(office.driven.database(), name) for name in "abc"]
    for _ in range(2):
        for relay in relays:
            await relay.hold(LEASE_SECONDS)
    shares = [await relay.hold(LEASE_SECONDS) for relay in relays]
    seen = [{event.position for event in await relay.unpublished(100)} for relay in relays]

    assert (sum(shares), max(shares)) == (SHARD_COUNT, 22)
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]
    assert len(seen[0] | seen[1] | seen[2]) == 50


async def test_the_shards_of_a_dead_relay_are_taken_over(office: Application) -> None:
    dead, alive = (SqlOutbox(office.driven.database(), name) for name in ("dead", "alive"))
    await dead.hold(LEASE_SECONDS)
    assert await alive.hold(LEASE_SECONDS) == 0
    assert await alive.unpublished(100) == []

    await leases_run_out(office)

    assert await alive.hold(LEASE_SECONDS) == SHARD_COUNT
    assert len(await alive.unpublished(100)) == 50


async def test_a_relay_that_was_stopped_past_its_lease_neither_reads_nor_deletes(office: Application) -> None:
    watch = ManualTimer()
    stopped = SqlOutbox(office.driven.database(), "stopped", watch)
    await stopped.hold(LEASE_SECONDS)
    in_flight = await stopped.unpublished(10)

    watch.seconds += LEASE_SECONDS + 1
    await leases_run_out(office)
    other = SqlOutbox(office.driven.database(), "other")
    await other.hold(LEASE_SECONDS)

    assert await stopped.unpublished(10) == []
    assert await stopped.published(in_flight, NOON) == 0
    assert len(await other.unpublished(100)) == 50
    assert await other.published(await other.unpublished(10), NOON) == 10


async def test_a_relay_stopped_while_polling_reads_nothing(office: Application) -> None:
    moments = iter([0.0, 0.0, LEASE_SECONDS + 1])
    relay = SqlOutbox(office.driven.database(), "stopped", lambda: next(moments))
    await relay.hold(LEASE_SECONDS)

    assert await relay.unpublished(10) == []


async def test_a_relay_that_stops_leaves_its_shards_to_others_at_once(office: Application) -> None:
    first, second = (SqlOutbox(office.driven.database(), name) for name in ("first", "second"))
    await first.hold(LEASE_SECONDS)
    await first.hold(0)

    assert await first.unpublished(10) == []
    assert await second.hold(LEASE_SECONDS) == SHARD_COUNT


async def test_an_event_that_is_committed_late_is_not_skipped(office: Application) -> None:
    relay = SqlOutbox(office.driven.database(), "relay")
    await relay.hold(LEASE_SECONDS)
    _, late = a_submission()
    _, early = a_submission()
    async with office.driven.new_inbox() as slow:
        async with slow.new_work() as work:
            work.record(late)
            await work.commit()
        async with office.driven.new_work() as work:
            work.record(early)
            await work.commit()
        sent = await relay.unpublished(100)
        await relay.published(sent, NOON)
        await slow.commit()

    assert early.subject in {event.message.subject for event in sent}
    assert [event.message.subject for event in await relay.unpublished(100)] == [late.subject]


async def test_what_is_blocked_comes_again_when_its_time_has_come(office: Application) -> None:
    relay = SqlOutbox(office.driven.database(), "relay")
    await relay.hold(LEASE_SECONDS)
    first, *_ = await relay.unpublished(1)
    await relay.block([PublishFailure(first, "too large")])
    assert first.position not in {event.position for event in await relay.unpublished(100)}

    async with office.driven.database().writing() as connection:
        await connection.execute(text("UPDATE blocked_aggregates SET until = '2020-01-01'"))
        await connection.commit()
    [again] = await relay.unpublished(1)
    await relay.published([again], NOON + timedelta(seconds=1))

    assert again.position == first.position
    assert (await office.driven.backlog().look()).blocked == []


async def test_hundreds_of_stuck_aggregates_do_not_starve_the_others(office: Application) -> None:
    class PartlyRefusingPublisher(Publisher):
        """A broker that takes nothing of what came first."""

        async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
            return [ValueError("no") if message.subject in stuck else None for message in messages]

    driven = office.driven
    stuck = {event.message.subject for event in await unpublished(office, 1_000)} | await commit(
        office, MAX_EVENTS_PER_BATCH + 100
    )
    await commit(office, 10)
    relay = Relay(driven.outbox(), PartlyRefusingPublisher(), driven.signals(), driven.clock())
    async with asyncio.timeout(20):
        while (await driven.backlog().look()).waiting > len(stuck):
            await relay.relay()

    state = await driven.backlog().look()
    assert {each.aggregate for each in state.blocked} <= stuck
    assert state.waiting == len(stuck)


async def test_polling_a_long_outbox_reads_only_its_head(office: Application) -> None:
    await commit(office, 2_000)
    async with office.driven.database().autocommit() as connection:
        await connection.execute(text("ANALYZE TABLE outbox, event_log, blocked_aggregates"))
        for shards in (range(SHARD_COUNT), range(5)):
            look = oldest(shards).limit(10).compile(connection.engine, compile_kwargs={"literal_binds": True})
            plan = [row.Extra or "" for row in await connection.execute(text(f"EXPLAIN FORMAT=TRADITIONAL {look}"))]
            assert not [step for step in plan if "filesort" in step or "temporary" in step], plan


async def commit(office: Application, number: int) -> set[UUID]:
    """Commit events of as many aggregates, and return these."""
    events = [a_submission()[1] for _ in range(number)]
    async with office.driven.new_work() as work:
        work.record(*events)
        await work.commit()
    return {event.subject for event in events}
