"""Reads one partition of a Kafka topic, and commits its offset."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, RecordTooLargeError

from core.messaging.message import Message
from entrypoints.messages.kafka_records import as_message, unreadable
from entrypoints.messages.partition import MAX_MESSAGES_PER_BATCH, Source

log = structlog.get_logger()
COMMIT_TIMEOUT_SECONDS = 3.0


class KafkaSource(Source):
    """An assigned partition.  While one of its batches is in flight, the client buffers at most one fetch."""

    def __init__(self, kafka: AIOKafkaConsumer, place: TopicPartition, context: str) -> None:
        self._kafka, self._place, self._context = kafka, place, context
        self.topic, self.name = place.topic, f"{place.topic}/{place.partition}"

    async def next(self) -> tuple[Sequence[Message], int]:
        try:
            found = await self._kafka.getmany(self._place, timeout_ms=1_000, max_records=MAX_MESSAGES_PER_BATCH)
        except UnicodeDecodeError:
            return await self._next_alone()
        except RecordTooLargeError as error:
            offset = await self._kafka.position(self._place)  # the client has moved on by one
            return [unreadable(self._place, offset - 1, self._context, error)], offset
        return self._read(found)

    async def acknowledge(self, position: int) -> None:
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                await self._kafka.commit({self._place: position})
        except (KafkaError, TimeoutError) as error:
            log.warning("offset_commit_failed", partition=self.name, error=error)

    async def _next_alone(self) -> tuple[Sequence[Message], int]:
        """Return one message, a substitute for a record that aiokafka cannot decode: a header's name is not UTF-8."""
        offset = await self._kafka.position(self._place)
        try:
            found = await self._kafka.getmany(self._place, timeout_ms=1_000, max_records=1)
        except UnicodeDecodeError as error:
            self._kafka.seek(self._place, offset + 1)
            return [unreadable(self._place, offset, self._context, error)], offset + 1
        return self._read(found)

    def _read(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> tuple[Sequence[Message], int]:
        records = found.get(self._place, ())
        return [as_message(record, self._context) for record in records], records[-1].offset + 1 if records else 0
