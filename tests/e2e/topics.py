"""The topics from the outside: send commands, and receive events."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from config.sections.servers import Kafka
from core.messaging.message import topic_of


class Command(NamedTuple):
    """A message to send."""

    id: str
    kind: str
    body: str
    more: Mapping[str, str] = {}
    """Headers in addition to those of every message."""


class Event(NamedTuple):
    """A received event."""

    kind: str
    cause: str
    """The id of the command that it answers."""
    body: dict[str, Any]


async def send(kafka: Kafka, context: str, *commands: Command) -> None:
    """Send commands with one key, so that they are processed in order."""
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for each in commands:
            told = {"ce_id": each.id, "ce_type": each.kind, "ce_source": "school-42", "ce_specversion": "1.0"}
            headers = [(name, value.encode()) for name, value in (told | dict(each.more)).items()]
            topic = kafka.topic_prefix + topic_of(context)
            await producer.send_and_wait(topic, each.body.encode(), key=b"school-42", headers=headers)


async def received_events(kafka: Kafka, most: int, *contexts: str) -> Sequence[Event]:
    """Return the first events of some contexts; fewer when no more arrive within the time limit."""
    topics = [kafka.topic_prefix + topic_of(context) for context in contexts]
    found: list[Event] = []
    async with AIOKafkaConsumer(
        *topics, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while len(found) < most:
                    record = await consumer.getone()
                    headers = {name: value.decode() for name, value in record.headers}
                    found.append(Event(headers["ce_type"], headers["ce_requestid"], json.loads(record.value)))
    return found
