"""The topics from the outside: send commands, and receive events."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from config.sections.servers import Kafka, RabbitMQ
from core.messaging.message import topic_of
from tests.e2e import rabbitmq_topics


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


async def send(broker: Kafka | RabbitMQ, context: str, *commands: Command) -> None:
    """Send commands with one key, so that they are processed in order."""
    for each in commands:
        told = {"ce_id": each.id, "ce_type": each.kind, "ce_source": "school-42", "ce_specversion": "1.0"} | dict(
            each.more
        )
        if isinstance(broker, RabbitMQ):
            await rabbitmq_topics.publish(broker, context, "school-42", told, each.body.encode())
            continue
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            headers = [(name, value.encode()) for name, value in told.items()]
            topic = broker.topic_prefix + topic_of(context)
            await producer.send_and_wait(topic, each.body.encode(), key=b"school-42", headers=headers)


async def received_events(broker: Kafka | RabbitMQ, most: int, *contexts: str) -> Sequence[Event]:
    """Return the first events of some contexts; fewer when no more arrive within the time limit."""
    if isinstance(broker, RabbitMQ):
        arriving, prefix = rabbitmq_topics.events(broker, *contexts), "cloudEvents:"
    else:
        arriving, prefix = records(broker, *contexts), "ce_"
    found: list[Event] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(30), aclosing(arriving):
            async for headers, body in arriving:
                found.append(Event(headers[f"{prefix}type"], headers[f"{prefix}requestid"], json.loads(body)))
                if len(found) == most:
                    break
    return found


async def records(kafka: Kafka, *contexts: str) -> AsyncIterator[tuple[Mapping[str, Any], bytes]]:
    """Yield headers and body of every record."""
    topics = [kafka.topic_prefix + topic_of(context) for context in contexts]
    async with AIOKafkaConsumer(
        *topics, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        async for record in consumer:
            yield {name: value.decode() for name, value in record.headers}, record.value
