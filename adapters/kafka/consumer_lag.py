"""How far a consumer group is behind, asked of the broker: also where no consumer runs."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from core.kernel.errors import Unavailable
from core.messaging.consumer_lag import ConsumerLag
from core.messaging.message import topic_of

TIMEOUT_SECONDS, CLOSING_SECONDS = 5.0, 1.0


class KafkaConsumerLag(ConsumerLag):
    """Compares the ends of the topics that a group consumes with the offsets that it committed."""

    def __init__(self, connection: Mapping[str, Any], topic_prefix: str, group: str, contexts: Sequence[str]) -> None:
        self._connection, self._group = connection, group
        self._topics = [topic_prefix + topic_of(context) for context in contexts]

    async def by_topic(self) -> Mapping[str, int]:
        admin = AIOKafkaAdminClient(**self._connection, request_timeout_ms=int(TIMEOUT_SECONDS * 1_000))
        reader = AIOKafkaConsumer(**self._connection, enable_auto_commit=False)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await admin.start()
                await reader.start()
                return await self._behind(admin, reader)
        except (KafkaError, OSError, TimeoutError) as error:
            servers = self._connection["bootstrap_servers"]
            raise Unavailable(f"Kafka at {servers} does not tell offsets: {error!r}") from error
        finally:
            for client in (admin.close, reader.stop):
                with suppress(KafkaError, OSError, TimeoutError):
                    async with asyncio.timeout(CLOSING_SECONDS):
                        await client()

    async def _behind(self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> Mapping[str, int]:
        described = await admin.describe_topics(self._topics)
        places = [
            TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]
        ]
        committed = await admin.list_consumer_group_offsets(self._group)
        reader.assign(places)
        reader.pause(*places)  # offsets are wanted, and no records
        ends, begins = await reader.end_offsets(places), await reader.beginning_offsets(places)
        lag = Counter[str](dict.fromkeys(self._topics, 0))
        for place in places:
            known = committed[place].offset if place in committed else -1
            lag[place.topic] += max(0, ends[place] - max(known, begins[place]))
        return lag
