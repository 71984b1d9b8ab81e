"""Messages from Kafka: the offset moves after the effect is stored."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from core.messaging.message import Deliver, Message, topic_of
from entrypoints.messages.kafka_partition import MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS, Partition, wait

log = structlog.get_logger()
DRAIN_TIMEOUT_SECONDS = 5.0
"""Seconds that work in hand has to end when its partition is taken from us, or we stop."""
START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS = 5.0, 2.0
MAX_BATCHES_IN_FLIGHT = 4
"""Batches that take effect at a time: more would not be faster, and would leave others no connection."""
NO_PARTITION = TopicPartition("", 0)


class KafkaTransport:
    """Feed a consumer from Kafka, at least once; the inbox makes that once."""

    def __init__(
        self, bootstrap: str, topic_prefix: str, group: str, contexts: Iterable[str], deliver: Deliver, **client: Any
    ) -> None:
        """Pass other settings of the `client` on."""
        self._bootstrap, self._group, self._deliver, self._client = bootstrap, group, deliver, client
        self._turns = asyncio.Semaphore(MAX_BATCHES_IN_FLIGHT)
        self._contexts = {topic_prefix + topic_of(context): context for context in contexts}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish what is in hand."""
        pause = MIN_BACKOFF_SECONDS
        while not stop.is_set():
            began = monotonic()
            try:
                await self._session(stop)
            except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                log.warning("kafka_unreachable", bootstrap=self._bootstrap, error=repr(error))
                pause = MIN_BACKOFF_SECONDS if monotonic() - began > MAX_BACKOFF_SECONDS else pause
                await wait(stop, pause)
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)

    async def _deliver_in_turn(self, messages: Sequence[Message]) -> None:
        async with self._turns:
            await self._deliver(messages)

    async def _session(self, stop: asyncio.Event) -> None:
        settings = {
            "bootstrap_servers": self._bootstrap,
            "group_id": self._group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
            # A partition whose batch was in hand at the last request waits for the next: let that be soon.
            "fetch_max_wait_ms": 100,
        }
        kafka = AIOKafkaConsumer(**(settings | self._client))
        ours = AssignedPartitions(kafka, self._deliver_in_turn, self._contexts)
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                await kafka.start()
            # Afterwards, or the start would wait for the group, which waits until it has missed a dead member.
            kafka.subscribe(list(self._contexts), listener=ours)
            log.info("consuming", topics=list(self._contexts), group=self._group)
            while not stop.is_set():
                # Asking tells the client that we are alive, however long the work in hand takes.
                await kafka.getmany(NO_PARTITION, timeout_ms=200)
                ours.raise_failures()
        finally:
            await ours.end()
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_SECONDS):  # with the broker down it would never end
                    await kafka.stop()


class AssignedPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The partitions that the group has given us; each goes its own way."""

    def __init__(self, kafka: AIOKafkaConsumer, deliver: Deliver, contexts: dict[str, str]) -> None:
        self._kafka, self._deliver, self._contexts = kafka, deliver, contexts
        self._assigned: dict[TopicPartition, Partition] = {}
        self._ended = False

    def raise_failures(self) -> None:
        """Raise what ended a partition that should not have ended."""
        for partition in self._assigned.values():
            if partition.task.done():
                partition.task.result()  # where the client gave up, this is a cancellation that nobody asked for

    async def end(self) -> None:
        """Let go of all, and take none any more."""
        self._ended = True
        await self.on_partitions_revoked(list(self._assigned))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish what is in hand, or roll it back when it takes too long; its messages come again."""
        given_up = [self._assigned.pop(place) for place in revoked if place in self._assigned]
        for partition in given_up:
            partition.revoke()
        tasks = [partition.task for partition in given_up]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_TIMEOUT_SECONDS)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.warning("batch_cancelled", error=repr(outcome))

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin with what is ours now."""
        for place in () if self._ended else assigned:
            self._assigned[place] = Partition(self._kafka, place, self._contexts[place.topic], self._deliver)
