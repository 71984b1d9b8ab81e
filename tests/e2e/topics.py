"""What a school or a warehouse does with the topics: send commands, and hear what became of them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from config.settings import Kafka
from core.shared.messages import topic_of


class Command(NamedTuple):
    """A message that somebody sends."""

    id: str
    kind: str
    body: str
    more: Mapping[str, str] = {}
    """Headers besides those that every message has."""


class Event(NamedTuple):
    """A message of ours."""

    kind: str
    cause: str
    """The id of the command it answers."""
    body: dict[str, Any]


async def send(kafka: Kafka, context: str, *commands: Command) -> None:
    """Send commands one after the other."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    for each in commands:
        told = {"ce_id": each.id, "ce_type": each.kind, "ce_source": "school-42", "ce_specversion": "1.0", **each.more}
        headers = [(name, value.encode()) for name, value in told.items()]
        await producer.send_and_wait(kafka.topic_prefix + topic_of(context), each.body.encode(), headers=headers)
    await producer.stop()


async def heard(kafka: Kafka, most: int, *contexts: str) -> Sequence[Event]:
    """Return the first events of some contexts."""
    topics = [kafka.topic_prefix + topic_of(context) for context in contexts]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    found: list[Event] = []
    async with asyncio.timeout(30):
        while len(found) < most:
            record = await consumer.getone()
            headers = {name: value.decode() for name, value in record.headers}
            found.append(Event(headers["ce_type"], headers["ce_requestid"], json.loads(record.value)))
    await consumer.stop()
    return found
