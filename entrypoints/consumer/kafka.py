"""Messages from Kafka: the offset moves after the effect is stored."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from core.shared.messages import Deliver, topic_of
from entrypoints.consumer.records import as_message, unreadable

log = structlog.get_logger()
TOPICS = ("fees", "fees.commands")
BATCH = 100
LAST_WORDS = 6.0
"""Seconds that work in hand has to end when its partition is taken from us, or we stop."""
START_SECONDS, COMMIT_SECONDS = 5.0, 3.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 30.0


class KafkaTransport:
    """Feed a consumer from Kafka, at least once; the inbox makes that once."""

    def __init__(self, bootstrap: str, topic_prefix: str, group: str, deliver: Deliver) -> None:
        self._bootstrap, self._group, self._deliver = bootstrap, group, deliver
        self._contexts = {topic_prefix + topic_of(context): context for context in TOPICS}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish what is in hand."""
        pause = SHORTEST_PAUSE
        while not stop.is_set():
            began = monotonic()
            try:
                await self._session(stop)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("kafka_unreachable", bootstrap=self._bootstrap, error=repr(error))
                pause = SHORTEST_PAUSE if monotonic() - began > LONGEST_PAUSE else pause
                await wait(stop, pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _session(self, stop: asyncio.Event) -> None:
        kafka = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        in_hand = InHand(kafka, self._deliver, self._contexts)
        kafka.subscribe(list(self._contexts), listener=in_hand)
        try:
            async with asyncio.timeout(START_SECONDS):
                await kafka.start()
            log.info("consuming", topics=list(self._contexts), group=self._group)
            while not stop.is_set():
                # Asking also tells the broker that we are alive, however long the work in hand takes.
                try:
                    for partition, records in (await kafka.getmany(timeout_ms=200, max_records=BATCH)).items():
                        in_hand.take(partition, records)
                except UnicodeDecodeError:
                    await in_hand.step_over_the_unreadable()
                in_hand.raise_failures()
        finally:
            await in_hand.let_go()
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(COMMIT_SECONDS):  # with the broker down it would never end
                    await kafka.stop()


class InHand(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The batches under way, one for each partition; a partition is paused while its batch is."""

    def __init__(self, kafka: AIOKafkaConsumer, deliver: Deliver, contexts: dict[str, str]) -> None:
        self._kafka, self._deliver, self._contexts = kafka, deliver, contexts
        self._work: dict[TopicPartition, asyncio.Task[None]] = {}
        self._wanted_back: dict[TopicPartition, asyncio.Event] = {}

    def take(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        """Begin with a batch."""
        self._kafka.pause(partition)
        self._wanted_back[partition] = asyncio.Event()
        self._work[partition] = asyncio.create_task(self._finish(partition, records))

    def raise_failures(self) -> None:
        """Raise what ended a batch that should not have ended so."""
        for partition, task in list(self._work.items()):
            if task.done():
                del self._work[partition]
                task.result()

    async def let_go(self, partitions: Collection[TopicPartition] | None = None) -> None:
        """Finish what is in hand, or roll it back when it takes too long; its messages come again."""
        given_up = set(self._work if partitions is None else partitions) & self._work.keys()
        for partition in given_up:
            self._wanted_back[partition].set()
        tasks = [self._work.pop(partition) for partition in given_up]
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.warning("batch_given_up", error=repr(outcome))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let go of partitions that become somebody else's."""
        await self.let_go(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take what is ours now; none of it is paused, whoever had it before."""
        self._kafka.resume(*assigned)

    async def step_over_the_unreadable(self) -> None:
        """Bury records that the client itself cannot read: those with a header whose name is no text."""
        for partition in self._kafka.assignment() - self._kafka.paused():
            offset = await self._kafka.position(partition)
            try:
                found = await self._kafka.getmany(partition, timeout_ms=500, max_records=1)
            except UnicodeDecodeError as error:
                await self._deliver([unreadable(partition, offset, self._contexts[partition.topic], error)])
                self._kafka.seek(partition, offset + 1)
            else:
                for readable, records in found.items():
                    self.take(readable, records)

    async def _finish(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        messages = [as_message(record, self._contexts[record.topic]) for record in records]
        wanted_back, pause = self._wanted_back[partition], SHORTEST_PAUSE
        while not wanted_back.is_set():
            try:
                await self._deliver(messages)
            except Exception as outage:  # a defect, too, must stop no more than its partition
                told = f"{partition.topic}/{partition.partition}"
                log.warning("batch_postponed", partition=told, error=repr(outage))
                await wait(wanted_back, max(pause, getattr(outage, "retry_after", None) or 0.0))
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._kafka.commit({partition: records[-1].offset + 1})
            if not wanted_back.is_set():
                self._kafka.resume(partition)
            return


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
