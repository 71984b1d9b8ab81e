"""The probe of Kafka: the topics have leaders, and each broker that leads takes a message."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import TopicPartition

from adapters.kafka.diagnosis import unreachable
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.messaging.message import topic_of

HEARTBEAT_TOPIC = "bursar.heartbeat.v1"
"""Has as many partitions as the others, so that its leaders are on the same brokers; no program reads it."""
TIMEOUT_SECONDS = 2.0


class KafkaProbe(Probe):
    """Sends one empty message to each partition of a topic of its own, and waits for every acknowledgement."""

    name = "events (kafka)"
    deadline_seconds = 3.0
    remedy = "start the broker or correct kafka.bootstrap; create topics with `bursar topics`"

    def __init__(
        self, connection: Mapping[str, Any], topic_prefix: str, contexts: Sequence[str], serve: Sequence[str]
    ) -> None:
        self._connection, self._bootstrap = connection, connection["bootstrap_servers"]
        self._heartbeat = topic_prefix + HEARTBEAT_TOPIC
        self._topics = {topic_prefix + topic_of(context) for context in contexts} | {self._heartbeat}
        self.essential = "http" not in serve  # requests are stored without the broker; the relay sends them later

    async def check(self) -> str:
        producer = AIOKafkaProducer(
            **self._connection, acks="all", linger_ms=0, request_timeout_ms=int(TIMEOUT_SECONDS * 1_000)
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await producer.start()
                await self._check_topics(producer.client)
                await self._send(producer)
        except (KafkaError, OSError, TimeoutError) as error:
            raise await unreachable(self._connection, producer.client.cluster.brokers(), error) from error
        finally:
            producer._closed = True  # noqa: SLF001 - `stop` would wait for what a broker does not acknowledge
            await self._end(producer)
        return f"{self._bootstrap}, {len(self._topics)} topics, each leader took a message"

    async def _check_topics(self, client: Any) -> None:
        if not await client.set_topics(self._topics):
            raise KafkaConnectionError("no broker tells its topics")
        found = {topic: client.cluster.partitions_for_topic(topic) for topic in self._topics}
        if missing := sorted(topic for topic, partitions in found.items() if partitions is None):
            raise Unavailable(f"Kafka at {self._bootstrap} has no topic {', '.join(missing)}")
        leader = client.cluster.leader_for_partition
        if without := sorted(
            topic
            for topic, partitions in found.items()
            if any(leader(TopicPartition(topic, each)) in (None, -1) for each in partitions)
        ):
            raise Unavailable(f"no broker leads a partition of {', '.join(without)}: it takes no events")

    async def _send(self, producer: AIOKafkaProducer) -> None:
        """Send to every partition; raise the first error."""
        partitions = producer.client.cluster.partitions_for_topic(self._heartbeat)
        sent = [await producer.send(self._heartbeat, b"", partition=each) for each in sorted(partitions)]
        await asyncio.gather(*sent)

    async def _end(self, producer: AIOKafkaProducer) -> None:
        """Close the connections, and end the task that would send again what was not acknowledged."""
        sending = producer._sender.sender_task  # noqa: SLF001 - no public method ends it without the broker
        while sending and not sending.done():
            sending.cancel()
            await asyncio.sleep(0)
        with suppress(TimeoutError, KafkaError, OSError):
            async with asyncio.timeout(1):
                await producer.client.close()
