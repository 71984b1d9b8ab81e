"""Consumes Kafka: an offset is committed after the effect of its messages is stored."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from core.messaging.message import Message, MessageBatchHandler, topic_of
from entrypoints.messages.kafka_partition import MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS, Partition, wait

log = structlog.get_logger()
DRAIN_TIMEOUT_SECONDS = 5.0
"""Work in flight has so long to end when its partition is revoked, or the transport stops."""
START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS = 5.0, 2.0
MAX_BATCHES_IN_FLIGHT = 4
"""More batches at a time are not faster, and leave other loops no database connection."""
NO_PARTITION = TopicPartition("", 0)


class KafkaTransport:
    """Delivers messages to a consumer at least once; its inbox drops repetitions."""

    def __init__(
        self,
        connection: Mapping[str, Any],
        topic_prefix: str,
        group: str,
        contexts: Iterable[str],
        handle_batch: MessageBatchHandler,
        **client: Any,
    ) -> None:
        """Subscribe `group` to the topics of `contexts`; `client` overrides settings of `AIOKafkaConsumer`."""
        self._connection, self._group, self._handle_batch, self._client = connection, group, handle_batch, client
        self._slots = asyncio.Semaphore(MAX_BATCHES_IN_FLIGHT)
        self._contexts = {topic_prefix + topic_of(context): context for context in contexts}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; batches in flight are finished first."""
        pause = MIN_BACKOFF_SECONDS
        while not stop.is_set():
            began = monotonic()
            try:
                await self._session(stop)
            except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                log.warning("kafka_unreachable", bootstrap=self._connection["bootstrap_servers"], error=error)
                pause = MIN_BACKOFF_SECONDS if monotonic() - began > MAX_BACKOFF_SECONDS else pause
                await wait(stop, pause)
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)

    async def _deliver_bounded(self, messages: Sequence[Message]) -> None:
        async with self._slots:
            await self._handle_batch(messages)

    async def _session(self, stop: asyncio.Event) -> None:
        settings = {
            **self._connection,
            "group_id": self._group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
            # A partition whose batch was in flight at the last fetch request waits for the next, so none may take long.
            "fetch_max_wait_ms": 100,
        }
        kafka = AIOKafkaConsumer(**(settings | self._client))
        partitions = AssignedPartitions(kafka, self._deliver_bounded, self._contexts)
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                await kafka.start()
            # After the start, which would otherwise wait for the group until the broker drops a dead member.
            kafka.subscribe(list(self._contexts), listener=partitions)
            log.info("consuming", topics=list(self._contexts), group=self._group)
            while not stop.is_set():
                # Each poll renews the membership in the group, however long the batches in flight take.
                await kafka.getmany(NO_PARTITION, timeout_ms=200)
                partitions.raise_failures()
        finally:
            await partitions.end()
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_SECONDS):  # without a broker it never returns
                    await kafka.stop()


class AssignedPartitions(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The partitions that the group has assigned; each is consumed independently."""

    def __init__(self, kafka: AIOKafkaConsumer, handle_batch: MessageBatchHandler, contexts: dict[str, str]) -> None:
        self._kafka, self._handle_batch, self._contexts = kafka, handle_batch, contexts
        self._assigned: dict[TopicPartition, Partition] = {}
        self._ended = False

    def raise_failures(self) -> None:
        """Raise the error of a partition whose task has ended."""
        for partition in self._assigned.values():
            if partition.task.done():
                partition.task.result()  # aiokafka cancels the task where it gives up

    async def end(self) -> None:
        """Release all partitions, and accept no more."""
        self._ended = True
        await self.on_partitions_revoked(list(self._assigned))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish batches in flight, or cancel them after `DRAIN_TIMEOUT_SECONDS`; their messages are redelivered."""
        released = [self._assigned.pop(place) for place in revoked if place in self._assigned]
        for partition in released:
            partition.revoke()
        tasks = [partition.task for partition in released]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_TIMEOUT_SECONDS)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.warning("batch_cancelled", error=outcome)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start to consume new partitions."""
        for place in () if self._ended else assigned:
            self._assigned[place] = Partition(self._kafka, place, self._contexts[place.topic], self._handle_batch)
