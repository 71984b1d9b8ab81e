"""What only several relays on one real database can show."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.sql.outbox import SqlOutbox
from config.container import Application
from core.shared.outbox import SHARDS, Refusal
from tests.examples import NOON, a_submission

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
LEASE = 60.0


class Watch:
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


async def test_relays_share_the_events_and_none_is_in_two_hands(office: Application) -> None:
    relays = [SqlOutbox(office.driven.database(), name) for name in "abc"]
    for _ in range(2):
        for relay in relays:
            await relay.hold(LEASE)
    shares = [await relay.hold(LEASE) for relay in relays]
    seen = [{event.position for event in await relay.unpublished(100)} for relay in relays]

    assert (sum(shares), max(shares)) == (SHARDS, 22)
    assert not seen[0] & seen[1] and not seen[1] & seen[2] and not seen[0] & seen[2]
    assert len(seen[0] | seen[1] | seen[2]) == 50


async def test_the_shards_of_a_dead_relay_are_taken_over(office: Application) -> None:
    dead, alive = (SqlOutbox(office.driven.database(), name) for name in ("dead", "alive"))
    await dead.hold(LEASE)
    assert await alive.hold(LEASE) == 0
    assert await alive.unpublished(100) == []

    await leases_run_out(office)

    assert await alive.hold(LEASE) == SHARDS
    assert len(await alive.unpublished(100)) == 50


async def test_a_relay_that_was_stopped_past_its_lease_neither_reads_nor_deletes(office: Application) -> None:
    watch = Watch()
    stopped = SqlOutbox(office.driven.database(), "stopped", watch)
    await stopped.hold(LEASE)
    in_flight = await stopped.unpublished(10)

    watch.seconds += LEASE + 1
    await leases_run_out(office)
    other = SqlOutbox(office.driven.database(), "other")
    await other.hold(LEASE)

    assert await stopped.unpublished(10) == []
    assert await stopped.published(in_flight, NOON) == 0
    assert len(await other.unpublished(100)) == 50
    assert await other.published(await other.unpublished(10), NOON) == 10


async def test_a_relay_that_stops_leaves_its_shards_to_others_at_once(office: Application) -> None:
    first, second = (SqlOutbox(office.driven.database(), name) for name in ("first", "second"))
    await first.hold(LEASE)
    await first.hold(0)

    assert await first.unpublished(10) == []
    assert await second.hold(LEASE) == SHARDS


async def test_an_event_that_is_committed_late_is_not_skipped(office: Application) -> None:
    relay = SqlOutbox(office.driven.database(), "relay")
    await relay.hold(LEASE)
    _, late = a_submission()
    _, early = a_submission()
    async with office.driven.inbox() as slow:
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
    await relay.hold(LEASE)
    first, *_ = await relay.unpublished(1)
    await relay.block([Refusal(first, "too large")])
    assert first.position not in {event.position for event in await relay.unpublished(100)}

    async with office.driven.database().writing() as connection:
        await connection.execute(text("UPDATE blocked_aggregates SET until = '2020-01-01'"))
        await connection.commit()
    [again] = await relay.unpublished(1)
    await relay.published([again], NOON + timedelta(seconds=1))

    assert again.position == first.position
    assert (await office.driven.backlog().look()).blocked == []
