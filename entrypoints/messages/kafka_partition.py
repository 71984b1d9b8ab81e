"""Consumes one partition of a topic: delivers a batch, then commits its offset."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, RecordTooLargeError
from prometheus_client import Counter

from core.messaging.message import Message, MessageBatchHandler
from entrypoints.effects import count_effect
from entrypoints.messages.kafka_records import as_message, unreadable

log = structlog.get_logger()
UNREADABLE = Counter("bursar_partition_unreadable", "Polls of a partition that failed", ["topic"])
MAX_RECORDS_PER_POLL = 200
COMMIT_TIMEOUT_SECONDS = 3.0
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.1, 30.0


class Partition:
    """An assigned partition.  While one of its batches is in flight, the client buffers at most one fetch."""

    def __init__(
        self, kafka: AIOKafkaConsumer, place: TopicPartition, context: str, handle_batch: MessageBatchHandler
    ) -> None:
        self._kafka, self._place, self._context, self._handle_batch = kafka, place, context, handle_batch
        self._name = f"{place.topic}/{place.partition}"
        self._revoked, self._busy = asyncio.Event(), False
        self.task = asyncio.create_task(self._run())

    def revoke(self) -> None:
        """Stop after the batch in flight; without one, stop now."""
        self._revoked.set()
        if not self._busy:
            self.task.cancel()

    async def _run(self) -> None:
        pause = MIN_BACKOFF_SECONDS
        while not self._revoked.is_set():
            try:
                messages, offset = await self._next()
            except Exception as error:  # an unreadable partition must not stop the others
                UNREADABLE.labels(self._place.topic).inc()
                log.warning("partition_unreadable", partition=self._name, error=error)
                await wait(self._revoked, pause)
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
                continue
            pause = MIN_BACKOFF_SECONDS
            if messages:
                self._busy = True
                await self._deliver_until_done(messages, offset)
                self._busy = False

    async def _next(self) -> tuple[Sequence[Message], int]:
        """Return the next messages, and the offset after them."""
        try:
            found = await self._kafka.getmany(self._place, timeout_ms=1_000, max_records=MAX_RECORDS_PER_POLL)
        except UnicodeDecodeError:
            return await self._next_alone()
        except RecordTooLargeError as error:
            offset = await self._kafka.position(self._place)  # the client has moved on by one
            return [unreadable(self._place, offset - 1, self._context, error)], offset
        return self._read(found)

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

    async def _deliver_until_done(self, messages: Sequence[Message], offset: int) -> None:
        """Deliver a batch until it succeeds; after a revocation, stop and leave the offset uncommitted."""
        pause = MIN_BACKOFF_SECONDS
        while not self._revoked.is_set():
            try:
                await self._handle_batch(messages)
            except Exception as error:  # a defect must stop only its partition
                count_effect("consumer", done=False)
                log.warning("batch_failed_will_retry", partition=self._name, error=error)
                await wait(self._revoked, max(pause, getattr(error, "retry_after", None) or 0.0))
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
            else:
                count_effect("consumer", done=True)
                await self._commit(offset)
                return

    async def _commit(self, offset: int) -> None:
        """Commit the offset; a failed commit is made up for by the next one, or the inbox drops the redelivery."""
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                await self._kafka.commit({self._place: offset})
        except (KafkaError, TimeoutError) as error:
            log.warning("offset_commit_failed", partition=self._name, error=error)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, for `seconds` at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
