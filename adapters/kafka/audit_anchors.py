"""Heads of the audit chain in a topic."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from core.audit.ports import AuditAnchors
from core.audit.signed_head import SignedHead
from core.kernel.errors import Invalid, Unavailable

AUDIT_HEADS_TOPIC = "bursar.audit-heads.v1"
"""Its first partition has the heads in order; it is kept for ever."""
TIMEOUT_SECONDS = 6.0


class KafkaAuditAnchors(AuditAnchors):
    """Connects for each head: there is one a minute at most times."""

    def __init__(
        self, connection: Mapping[str, Any], topic_prefix: str, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._connection, self._topic = connection, topic_prefix + AUDIT_HEADS_TOPIC
        self._timeout_seconds = timeout_seconds

    async def publish(self, head: SignedHead) -> None:
        milliseconds = int(self._timeout_seconds * 1_000)
        producer = AIOKafkaProducer(**self._connection, acks="all", request_timeout_ms=milliseconds)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await producer.start()
                await producer.send_and_wait(self._topic, msgspec.json.encode(head), partition=0)
        except (TimeoutError, KafkaError, OSError, AssertionError) as error:
            raise self._unavailable(error) from error
        finally:
            await producer.stop()

    async def heads(self) -> AsyncIterator[SignedHead]:
        place = TopicPartition(self._topic, 0)
        consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await consumer.start()
                consumer.assign([place])
                end = (await consumer.end_offsets([place]))[place]
                await consumer.seek_to_beginning(place)
            while records := await self._next(consumer, place, end):
                for record in records:
                    yield self._read(record.offset, record.value)
        except (TimeoutError, KafkaError, OSError) as error:
            raise self._unavailable(error) from error
        finally:
            await consumer.stop()

    async def _next(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> Sequence[Any]:
        """Return the next records before an offset; none at the end."""
        offset = 0
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while (offset := await consumer.position(place)) < end:
                    if records := (await consumer.getmany(place, timeout_ms=1_000)).get(place):
                        return list(records)
        except TimeoutError as error:
            waited = f"the broker sent nothing for {self._timeout_seconds:g} seconds"
            raise Unavailable(f"{self._topic}, at offset {offset} of {end}: {waited}; repeat the command") from error
        return ()

    def _read(self, offset: int, text: bytes) -> SignedHead:
        try:
            return msgspec.json.decode(text, type=SignedHead)
        except msgspec.MsgspecError as error:
            raise Invalid(f"offset {offset} of {self._topic} is no head of the audit chain: {error}") from error

    def _unavailable(self, error: Exception) -> Unavailable:
        servers = self._connection["bootstrap_servers"]
        return Unavailable(f"{self._topic} at {servers}: {error!r}; `bursar topics` creates it")
