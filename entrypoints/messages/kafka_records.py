"""Records of Kafka, read as CloudEvents in binary mode."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from aiokafka import ConsumerRecord, TopicPartition

from core.kernel.trace import Trace
from core.messaging.message import CLOUDEVENTS_SOURCE, Message, is_own_context

RETAINED_HEADERS = {"traceparent", "content-type"}
"""Headers that are kept with a dead letter, besides a CloudEvent's own; others may be secrets."""
LOG_APPEND_TIME = 1
MAX_TIMESTAMP_MILLISECONDS = 253_370_764_800_000
"""The beginning of the year 9999, in milliseconds: any time zone can still write it down."""


def as_message(record: ConsumerRecord, context: str) -> Message:
    """Read a CloudEvent; what is missing or misshapen becomes something nobody understands."""
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    told = {name: value for name, value in headers.items() if name in RETAINED_HEADERS or name.startswith("ce_")}
    origin = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "headers": str(told)[:4_000],
    }
    return Message(
        id=message_id(headers, record, context),
        type=headers.get("ce_type", ""),
        context=context,
        subject=as_uuid(headers.get("ce_subject", "")),
        version=as_number(headers.get("ce_sequence", "")),
        data_version=as_number(headers.get("ce_dataversion", "1")),
        at=arrived_at(record),
        body=record.value or b"",
        # whoever sent a command finds its id on the event that answers it
        trace=Trace.continue_or_start(headers.get("ce_requestid") or headers.get("ce_id"), headers.get("traceparent")),
        origin=origin,
    )


def unreadable(partition: TopicPartition, offset: int, context: str, error: Exception) -> Message:
    """Stand in for a record that cannot be read at all; nobody understands it, so it is buried with its place."""
    place = {"topic": partition.topic, "partition": str(partition.partition), "offset": str(offset)}
    return Message(
        id=uuid5(NAMESPACE_URL, f"{partition.topic}/{partition.partition}/{offset}"),
        type="",
        context=context,
        subject=UUID(int=0),
        version=0,
        at=datetime.now(UTC),
        body=b"",
        origin=place | {"problem": repr(error)[:500]},
    )


def arrived_at(record: ConsumerRecord) -> datetime:
    """Return when a record reached the broker; without its word for it, that is now, and never what a sender says."""
    return as_moment(record.timestamp) if record.timestamp_type == LOG_APPEND_TIME else datetime.now(UTC)


def message_id(headers: Mapping[str, str], record: ConsumerRecord, context: str) -> UUID:
    """Return the id of a message: a CloudEvent is known by its source and id together.

    Our own events carry UUIDs; anybody else's id is made one, and what has no id is known by its place.
    """
    source, name = headers.get("ce_source", ""), headers.get("ce_id", "")
    if not name:
        return uuid5(NAMESPACE_URL, f"{record.topic}/{record.partition}/{record.offset}")
    with suppress(ValueError):
        if source == CLOUDEVENTS_SOURCE and is_own_context(context):
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
    return datetime.fromtimestamp(min(max(milliseconds, 0), MAX_TIMESTAMP_MILLISECONDS) / 1000, UTC)
