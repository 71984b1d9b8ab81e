"""The contents of topics from their beginning, and the progress of the consumers."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


@dataclass(frozen=True, slots=True)
class Published:
    """A record in a topic."""

    event: UUID
    aggregate: UUID
    version: int


async def records(bootstrap: str, topic: str) -> list[list[Published]]:
    """Read a topic from its beginning to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await partitions_of(bootstrap, topic)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: defaultdict[TopicPartition, list[Published]] = defaultdict(list)
        await consumer.seek_to_beginning(*partitions)
        async with asyncio.timeout(120):
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                for partition, batch in (await consumer.getmany(timeout_ms=200)).items():
                    found[partition] += [published(dict(record.headers)) for record in batch]
        return [found[partition] for partition in partitions]
    finally:
        await consumer.stop()


async def partitions_of(bootstrap: str, *topics: str) -> list[TopicPartition]:
    """Return the partitions of topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
        return [TopicPartition(each["topic"], part["partition"]) for each in described for part in each["partitions"]]
    finally:
        await admin.close()


def published(headers: dict[str, bytes]) -> Published:
    """Decode the envelope of a record."""
    return Published(
        UUID(headers["ce_id"].decode()), UUID(headers["ce_subject"].decode()), int(headers["ce_sequence"].decode())
    )


async def lag(bootstrap: str, topics: list[str], group: str) -> int:
    """Return the number of records that the consumers have not committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        committed = await admin.list_consumer_group_offsets(group)
        ends = await consumer.end_offsets(await partitions_of(bootstrap, *topics))
        return sum(end - max(committed[each].offset if each in committed else 0, 0) for each, end in ends.items())
    finally:
        await consumer.stop()
        await admin.close()
