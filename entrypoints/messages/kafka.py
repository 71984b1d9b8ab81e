"""Consumes Kafka: an offset is committed after the effect of its messages is stored."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from core.messaging.message import MessageBatchHandler, topic_of
from entrypoints.messages.kafka_partition import KafkaSource
from entrypoints.messages.partition import Partition, in_slots, release
from entrypoints.messages.sessions import keep_connected

log = structlog.get_logger()
START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS = 5.0, 2.0
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
        self._connection, self._group, self._client = connection, group, client
        self._handle_batch = in_slots(handle_batch)
        self._contexts = {topic_prefix + topic_of(context): context for context in contexts}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; batches in flight are finished first."""
        await keep_connected(self._session, (KafkaError,), self._connection["bootstrap_servers"], stop)

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
        partitions = AssignedPartitions(kafka, self._handle_batch, self._contexts)
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
        """Finish the batches in flight."""
        await release([self._assigned.pop(place) for place in revoked if place in self._assigned])

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Start to consume new partitions."""
        for place in () if self._ended else assigned:
            source = KafkaSource(self._kafka, place, self._contexts[place.topic])
            self._assigned[place] = Partition(source, self._handle_batch)
