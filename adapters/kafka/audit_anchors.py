"""Heads of the audit chain in a topic."""

import asyncio
from collections.abc import AsyncIterator, Mapping
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

    def __init__(self, connection: Mapping[str, Any], topic_prefix: str) -> None:
        self._connection, self._topic = connection, topic_prefix + AUDIT_HEADS_TOPIC

    async def publish(self, head: SignedHead) -> None:
        producer = AIOKafkaProducer(**self._connection, acks="all", request_timeout_ms=int(TIMEOUT_SECONDS * 1000))
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await consumer.start()
                consumer.assign([place])
                end = (await consumer.end_offsets([place]))[place]
                await consumer.seek_to_beginning(place)
            while await consumer.position(place) < end:
                batches = await consumer.getmany(place, timeout_ms=1_000)
                for record in batches.get(place, ()):
                    yield self._read(record.offset, record.value)
        except (TimeoutError, KafkaError, OSError) as error:
            raise self._unavailable(error) from error
        finally:
            await consumer.stop()

    def _read(self, offset: int, text: bytes) -> SignedHead:
        try:
            return msgspec.json.decode(text, type=SignedHead)
        except msgspec.MsgspecError as error:
            raise Invalid(f"offset {offset} of {self._topic} is no head of the audit chain: {error}") from error

    def _unavailable(self, error: Exception) -> Unavailable:
        servers = self._connection["bootstrap_servers"]
        return Unavailable(f"{self._topic} at {servers}: {error!r}; `bursar topics` creates it")
