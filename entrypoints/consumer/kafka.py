"""Messages from Kafka: the offset moves after the effect is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from core.shared.errors import Unavailable
from core.shared.messages import SOURCE, Message, topic_of
from core.shared.trace import Trace
from entrypoints.consumer.consumer import Consumer

log = structlog.get_logger()
TOPICS = ("fees", "fees.commands")
BATCH = 100
LONGEST_PAUSE = 30.0
LAST_MOMENT = 253_370_764_800_000
"""The beginning of the year 9999, in milliseconds: any time zone can still write it down."""


class KafkaTransport:
    """Feed a consumer from Kafka, at least once; the inbox makes that once."""

    def __init__(self, bootstrap: str, topic_prefix: str, group: str, consumer: Consumer) -> None:
        self._bootstrap, self._group, self._consumer = bootstrap, group, consumer
        self._contexts = {topic_prefix + topic_of(context): context for context in TOPICS}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish what is in hand."""
        pause = 0.1
        while not stop.is_set():
            try:
                await self._session(stop)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("kafka_unreachable", bootstrap=self._bootstrap, error=repr(error))
                await sleep(pause, stop)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _session(self, stop: asyncio.Event) -> None:
        kafka = AIOKafkaConsumer(
            *self._contexts,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        try:
            await kafka.start()
            log.info("consuming", topics=list(self._contexts), group=self._group)
            while not stop.is_set():
                for partition, records in (await kafka.getmany(timeout_ms=200, max_records=BATCH)).items():
                    await self._take(kafka, partition, records, stop)
        finally:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):  # with the broker down it would never end
                    await kafka.stop()

    async def _take(
        self, kafka: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord], stop: asyncio.Event
    ) -> None:
        messages = [as_message(record, self._contexts[record.topic]) for record in records]
        try:
            await self._consumer(messages)
        except Unavailable as outage:
            log.warning("batch_postponed", topic=partition.topic, partition=partition.partition, error=str(outage))
            kafka.seek(partition, records[0].offset)
            await sleep(outage.retry_after or 1.0, stop)
            return
        async with asyncio.timeout(5):
            await kafka.commit({partition: records[-1].offset + 1})


async def sleep(seconds: float, stop: asyncio.Event) -> None:
    """Wait, unless we are asked to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def as_message(record: ConsumerRecord, context: str) -> Message:
    """Read a CloudEvent in binary mode; what is missing or misshapen becomes something nobody understands."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    origin = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "headers": str(headers)[:4_000],
    }
    return Message(
        id=identity(headers, record),
        type=headers.get("ce_type", ""),
        context=context,
        subject=as_uuid(headers.get("ce_subject", "")),
        version=as_number(headers.get("ce_sequence", "")),
        at=as_moment(record.timestamp),
        body=record.value or b"",
        # whoever sent a command finds its id on the event that answers it
        trace=Trace.take_or_make(headers.get("ce_requestid") or headers.get("ce_id"), headers.get("traceparent")),
        origin=origin,
    )


def identity(headers: Mapping[str, str], record: ConsumerRecord) -> UUID:
    """Return the id of a message: a CloudEvent is known by its source and id together.

    Our own events carry UUIDs; anybody else's id is made one, and what has no id is known by its place.
    """
    source, name = headers.get("ce_source", ""), headers.get("ce_id", "")
    if not name:
        return uuid5(NAMESPACE_URL, f"{record.topic}/{record.partition}/{record.offset}")
    with suppress(ValueError):
        if source == SOURCE:
            return UUID(name)
    return uuid5(uuid5(NAMESPACE_URL, source), name)


def as_uuid(text: str) -> UUID:
    """Read a UUID, or return the nil one."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def as_number(text: str) -> int:
    """Read a number, or return 0."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def as_moment(milliseconds: int) -> datetime:
    """Read a timestamp; one that no calendar has becomes the nearest that every calendar has."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), LAST_MOMENT) / 1000, UTC)
