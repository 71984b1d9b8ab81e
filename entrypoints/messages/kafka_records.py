"""Decodes Kafka records as messages."""

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from aiokafka import ConsumerRecord, TopicPartition

from core.messaging.message import Message
from entrypoints.messages.envelope import read_message

LOG_APPEND_TIME = 1
MAX_TIMESTAMP_MILLISECONDS = 253_370_764_800_000
"""9999-01-01: a later moment overflows `datetime` in some time zones."""


def as_message(record: ConsumerRecord, context: str) -> Message:
    """Decode a CloudEvent; a message that says it is malformed becomes a dead letter."""
    place = {"topic": record.topic, "partition": str(record.partition), "offset": str(record.offset)}
    key = f"{record.topic}/{record.partition}/{record.offset}"
    return read_message(context, record.headers, record.value, place, key, arrived_at(record))


def unreadable(partition: TopicPartition, offset: int, context: str, error: Exception) -> Message:
    """Return a substitute for a record that the client cannot return; it becomes a dead letter."""
    place = {"topic": partition.topic, "partition": str(partition.partition), "offset": str(offset)}
    return Message(
        id=uuid5(NAMESPACE_URL, f"{partition.topic}/{partition.partition}/{offset}"),
        type="",
        context=context,
        subject=UUID(int=0),
        version=0,
        at=datetime.now(UTC),
        body=b"",
        origin=place,
        malformed=f"the record cannot be read; it is in the topic as long as the broker keeps it: {error!r}"[:1_000],
    )


def arrived_at(record: ConsumerRecord) -> datetime:
    """Return the broker's time of arrival; where the timestamp is the sender's, return the present time."""
    return as_moment(record.timestamp) if record.timestamp_type == LOG_APPEND_TIME else datetime.now(UTC)


def as_moment(milliseconds: int) -> datetime:
    """Convert a timestamp; one outside 1970 to 9999 becomes the nearest limit."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), MAX_TIMESTAMP_MILLISECONDS) / 1000, UTC)
