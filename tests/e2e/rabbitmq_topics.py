"""The topics of RabbitMQ from the outside, as another system uses them: a queue of its own at each exchange."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiormq import Connection, spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from yarl import URL

from config.sections.servers import RabbitMQ
from core.messaging.message import topic_of
from entrypoints.routes import ROUTES


@asynccontextmanager
async def a_channel(broker: RabbitMQ) -> AsyncIterator[AbstractChannel]:
    host, port = broker.nodes.split(":")
    password = broker.password.reveal()
    connection = Connection(URL.build(scheme="amqp", user=broker.user, password=password, host=host, port=int(port)))
    await connection.connect()
    try:
        yield await connection.channel()
    finally:
        await connection.close()


def kept(broker: RabbitMQ, context: str) -> str:
    return f"{broker.topic_prefix}kept.{context}"


async def keep_events(broker: RabbitMQ, contexts: Iterable[str] = ROUTES.contexts) -> None:
    """Bind a stream to the exchange of each topic, so that a test reads all its events as often as it likes."""
    async with a_channel(broker) as channel:
        for context in contexts:
            stream = {"x-queue-type": "stream"}
            await channel.queue_declare(kept(broker, context), durable=True, arguments=stream)
            await channel.queue_bind(kept(broker, context), broker.topic_prefix + topic_of(context))


async def publish(broker: RabbitMQ, context: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Publish one message as another system does."""
    properties = spec.Basic.Properties(headers=dict(headers), delivery_mode=2)
    async with a_channel(broker) as channel:
        topic = broker.topic_prefix + topic_of(context)
        await channel.basic_publish(body, exchange=topic, routing_key=key, properties=properties, mandatory=True)


async def events(broker: RabbitMQ, *contexts: str) -> AsyncIterator[tuple[Mapping[str, Any], bytes]]:
    """Yield headers and body of every event since the streams were bound."""
    found = asyncio.Queue[DeliveredMessage]()
    async with a_channel(broker) as channel:
        await channel.basic_qos(prefetch_count=1_000)
        for context in contexts:
            await channel.basic_consume(kept(broker, context), found.put, arguments={"x-stream-offset": "first"})
        while True:
            message = await found.get()
            await channel.basic_ack(message.delivery_tag or 0)
            yield message.header.properties.headers or {}, message.body
