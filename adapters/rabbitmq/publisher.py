"""Publishes events to RabbitMQ as CloudEvents in binary mode."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiormq import spec
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelClosed,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    DeliveryError,
    PublishError,
)

from adapters.cloud_events import attributes_of
from adapters.rabbitmq.connection import FAILURES, RabbitMQ, close, lost_connections, reason
from core.kernel.errors import Unavailable
from core.messaging.message import Message, Publisher, topic_of

SEND_TIMEOUT_SECONDS = 6.0
"""A broker that is short of memory or disk reads nothing, and confirms nothing."""
PERSISTENT = 2
CHANNEL_FAILURES = (ChannelClosed, ChannelInvalidStateError)


class RabbitMQPublisher(Publisher):
    """Publishes events by aggregate, with a confirmation of each: the queues of a topic have it on disk."""

    def __init__(self, server: RabbitMQ, topic_prefix: str) -> None:
        self._server, self._prefix = server, topic_prefix
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def publish(self, messages: Sequence[Message]) -> Sequence[Exception | None]:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                results = await self._send(messages)
                for place, failure in enumerate(results):
                    if isinstance(failure, CHANNEL_FAILURES):
                        [results[place]] = await self._send([messages[place]])
                return [self._refusal(*each) for each in zip(messages, results, strict=True)]
        except FAILURES as error:
            await self.close()
            raise self._server.unavailable(error) from error

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        await close(connection)

    async def _send(self, messages: Sequence[Message]) -> list[BaseException | None]:
        """Send messages; return an error for each, None for a confirmed one.

        The broker closes the channel at a message that it refuses, which fails all that are not confirmed.
        """
        with lost_connections():
            channel = await self._opened()
        # `wait` would write one message at a time; the confirmations are waited for together.
        sent = (channel.basic_publish(**self._record(each)) for each in messages)
        results = await asyncio.gather(*sent, return_exceptions=True)
        failures = [each if isinstance(each, BaseException) else None for each in results]
        if any(isinstance(each, CHANNEL_FAILURES) for each in failures):
            self._channel = None  # the client tells a little later that it is closed, and until then a send hangs
        return failures

    async def _opened(self) -> AbstractChannel:
        if self._connection is None or self._connection.is_closed:
            await self.close()
            self._connection = await self._server.connect()
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel()
        return self._channel

    def _record(self, message: Message) -> dict[str, Any]:
        attributes: dict[str, Any] = {f"cloudEvents:{name}": text for name, text in attributes_of(message).items()}
        properties = spec.Basic.Properties(
            content_type="application/json",
            delivery_mode=PERSISTENT,
            message_id=str(message.id),
            headers=attributes | {"traceparent": message.trace.traceparent},
        )
        topic = self._prefix + topic_of(message.context)
        flags = {"mandatory": True, "wait": False}
        return flags | {
            "body": message.body, "exchange": topic, "routing_key": str(message.subject), "properties": properties,
        }  # fmt: skip

    def _refusal(self, message: Message, failure: BaseException | None) -> Exception | None:
        """Return why one message was not taken, with what to do; raise what concerns the connection."""
        topic = self._prefix + topic_of(message.context)
        match failure:
            case None:
                return None
            case PublishError():
                return Unavailable(f"no queue takes messages of {topic}: create them with `bursar topics`")
            case ChannelNotFoundEntity():
                return Unavailable(f"{topic} does not exist: create it with `bursar topics`")
            case ChannelAccessRefused():
                raise failure
            case ChannelClosed() | DeliveryError():
                return Unavailable(f"{topic} does not take the message: {reason(failure)}")
        raise failure if isinstance(failure, FAILURES) else Unavailable("the send was cancelled")
