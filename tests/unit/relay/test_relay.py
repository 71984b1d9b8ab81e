import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.messaging.outbox import MemoryOutbox
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals
from core.messaging.message import Message, Publisher
from core.messaging.outbox import OUTBOX_SIGNAL, OutboxEntry
from entrypoints.relay.relay import Relay
from tests.examples import NOON, StoppedClock, a_message


class Broker(Publisher):
    """A broker that refuses the types in `refused`, and raises the errors in `errors` first."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.refused: set[str] = set()
        self.errors: list[Exception] = []
        self.called = asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        self.called.set()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append([message.type for message in messages])
        return [ValueError("too large") if message.type in self.refused else None for message in messages]

    @property
    def taken(self) -> list[str]:
        return [name for batch in self.batches for name in batch if name not in self.refused]


class RecordingSignals(Signals):
    """Signals without a time-out: a wait ends only with a signal."""

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        await event.wait()


class RelayHarness:
    """An outbox, a relay and a broker."""

    def __init__(self, signals: Signals | None = None) -> None:
        self.store, self.broker, self.clock = MemoryDatabase(), Broker(), StoppedClock()
        self.signals = signals or Signals()
        self.relay = Relay(MemoryOutbox(self.store, self.clock), self.broker, self.signals, self.clock)

    def commit(self, *names: str) -> None:
        for name in names:
            self.store.positions += 1
            self.store.outbox[self.store.positions] = a_message(type=name)

    @property
    def waiting(self) -> list[str]:
        return [message.type for message in self.store.outbox.values()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the relay until the end of the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.relay.run(stop))
        async with asyncio.timeout(5):
            yield
            stop.set()
            self.signals.notify([OUTBOX_SIGNAL])
            await task

    async def until_taken(self, *names: str) -> None:
        async with asyncio.timeout(5):
            while self.broker.taken != list(names) or self.waiting:
                self.broker.called.clear()
                await self.broker.called.wait()
                await asyncio.sleep(0)


@pytest.fixture
def post() -> RelayHarness:
    return RelayHarness()


async def test_acknowledged_events_leave_the_outbox(post: RelayHarness) -> None:
    post.commit("a", "b")
    ids = [message.id for message in post.store.outbox.values()]

    assert await post.relay.relay() == 2
    assert post.waiting == []
    assert post.store.publications == dict.fromkeys(ids, post.clock.now())


async def test_an_empty_outbox_calls_no_broker(post: RelayHarness) -> None:
    assert await post.relay.relay() == 0
    assert not post.broker.called.is_set()


async def test_events_are_published_in_commit_order(post: RelayHarness) -> None:
    names = [f"event-{number}" for number in range(1_200)]
    post.commit(*names)
    while await post.relay.relay():
        pass

    assert post.broker.taken == names
    assert len(post.broker.batches) > 1


async def test_events_refused_by_the_broker_stay_in_the_outbox(post: RelayHarness) -> None:
    post.commit("a", "b", "c")
    post.broker.refused = {"b"}

    await post.relay.relay()
    assert post.waiting == ["b"]
    assert len(post.store.publications) == 2


async def test_a_refused_event_is_retried(post: RelayHarness) -> None:
    post.commit("a", "b")
    post.broker.refused = {"a"}
    await post.relay.relay()
    post.broker.refused = set()
    await post.relay.relay()
    assert post.broker.batches == [["a", "b"]]

    post.clock.pass_by(timedelta(seconds=1))
    await post.relay.relay()
    assert post.broker.batches == [["a", "b"], ["a"]]
    assert post.waiting == []


async def test_a_refused_event_is_not_overtaken_by_later_ones_of_its_aggregate(post: RelayHarness) -> None:
    post.commit("first", "second", "of another")
    first, second = post.store.outbox[1], post.store.outbox[2]
    post.store.outbox[2] = replace(second, subject=first.subject)
    post.broker.refused = {"first"}
    await post.relay.relay()
    post.broker.refused = set()
    post.clock.pass_by(timedelta(seconds=1))
    await post.relay.relay()

    assert post.broker.batches == [["first", "of another"], ["first"], ["second"]]


async def test_a_batch_ends_before_the_lease_expires(post: RelayHarness) -> None:
    post.commit("first", "second", "third")
    same = post.store.outbox[1].subject
    post.store.outbox = {place: replace(message, subject=same) for place, message in post.store.outbox.items()}
    post.relay = replace(post.relay, lease_seconds=0.0)

    await post.relay.relay()
    assert post.broker.batches == [["first"]]

    await post.relay.relay()
    await post.relay.relay()
    assert post.broker.batches == [["first"], ["second"], ["third"]]


async def test_repeated_refusals_back_off_exponentially(post: RelayHarness) -> None:
    post.commit("a")
    post.broker.refused = {"a"}
    for second in range(20):
        post.clock.moment = NOON + timedelta(seconds=second)
        await post.relay.relay()

    assert len(post.broker.batches) == 5  # at 0, 1, 3, 7 and 15 seconds
    assert post.waiting == ["a"]
    state = await post.relay.outbox.snapshot()
    assert [(blocked.attempts, blocked.reason) for blocked in state.blocked] == [(5, "ValueError('too large')")]


async def test_nothing_is_lost_when_the_broker_is_away(post: RelayHarness) -> None:
    post.commit("a", "b")
    post.broker.errors = [Unavailable("the broker is away")]
    with pytest.raises(Unavailable):
        await post.relay.relay()

    assert post.waiting == ["a", "b"]
    assert await post.relay.relay() == 2


async def test_an_outage_does_not_end_the_relay(post: RelayHarness) -> None:
    post.commit("a", "b")
    post.broker.errors = [Unavailable("away"), Unavailable("still away")]
    async with post.running():
        await post.until_taken("a", "b")

    assert post.waiting == []


async def test_a_commit_wakes_the_relay() -> None:
    post = RelayHarness(RecordingSignals())
    async with post.running():
        post.commit("a")
        post.signals.notify([OUTBOX_SIGNAL])
        await post.until_taken("a")


async def test_a_commit_during_a_poll_wakes_the_relay() -> None:
    post = RelayHarness(RecordingSignals())

    class Busy(MemoryOutbox):
        async def unpublished(self, limit: int) -> Sequence[OutboxEntry]:
            found = await super().unpublished(limit)
            if not post.store.positions:
                post.commit("a")
                post.signals.notify([OUTBOX_SIGNAL])
            return found

    post.relay = Relay(Busy(post.store, post.clock), post.broker, post.signals, post.clock)
    async with post.running():
        await post.until_taken("a")


async def test_commits_without_a_signal_are_found_by_polling(post: RelayHarness) -> None:
    async with post.running():
        post.commit("a")
        await post.until_taken("a")


async def test_the_relay_ends_when_stop_is_set(post: RelayHarness) -> None:
    async with post.running():
        pass
