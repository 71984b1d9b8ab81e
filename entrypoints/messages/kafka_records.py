"""Decodes Kafka records as messages."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from aiokafka import ConsumerRecord, TopicPartition

from core.kernel.trace import Trace
from core.messaging.message import CLOUDEVENTS_SOURCE, Message, is_own_context
from entrypoints.messages.cloud_events import CloudEvent, read_cloud_event

RETAINED_HEADERS = {"traceparent", "content-type"}
"""Headers besides those of CloudEvents that a dead letter keeps; others may hold secrets."""
LOG_APPEND_TIME = 1
MAX_TIMESTAMP_MILLISECONDS = 253_370_764_800_000
"""9999-01-01: a later moment overflows `datetime` in some time zones."""


def as_message(record: ConsumerRecord, context: str) -> Message:
    """Decode a CloudEvent; a message that says it is malformed becomes a dead letter."""
    event = read_cloud_event(record.headers, record.value)
    attributes = event.attributes
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    kept = {name: text for name, text in headers.items() if name in RETAINED_HEADERS or name.startswith("ce_")}
    origin = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "headers": str(kept)[:4_000],
    }
    return Message(
        id=message_id(event, record, context),
        type=attributes.get("type", ""),
        context=context,
        subject=as_uuid(attributes.get("subject", "")),
        version=as_number(attributes.get("sequence", "")),
        data_version=as_number(attributes.get("dataversion", "1")),
        at=arrived_at(record),
        body=event.body,
        # the event that answers a command carries the id of the command
        trace=Trace.continue_or_start(
            attributes.get("requestid") or attributes.get("id"), attributes.get("traceparent")
        ),
        origin=origin,
        malformed=event.malformed,
    )


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


def message_id(event: CloudEvent, record: ConsumerRecord, context: str) -> UUID:
    """Return the id of a message: Bursar's own events carry a UUID.

    Another sender's id is hashed with its source; a record without an id, or that is malformed, is identified by its
    offset, so that it takes no other message's id.
    """
    source, name = event.attributes.get("source", ""), event.attributes.get("id", "")
    if event.malformed or not name:
        return uuid5(NAMESPACE_URL, f"{record.topic}/{record.partition}/{record.offset}")
    with suppress(ValueError):
        if source == CLOUDEVENTS_SOURCE and is_own_context(context):
            return UUID(name)
    return uuid5(uuid5(NAMESPACE_URL, source), name)


def as_uuid(text: str) -> UUID:
    """Parse a UUID; return the nil UUID for another text."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def as_number(text: str) -> int:
    """Parse a number; return 0 for another text."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def as_moment(milliseconds: int) -> datetime:
    """Convert a timestamp; one outside 1970 to 9999 becomes the nearest limit."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), MAX_TIMESTAMP_MILLISECONDS) / 1000, UTC)
