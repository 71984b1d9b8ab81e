"""Creates the topics of the application with their retention."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from adapters.kafka.audit_anchors import AUDIT_HEADS_TOPIC
from adapters.kafka.probe import HEARTBEAT_TOPIC
from adapters.kafka.topic_settings import change_settings
from core.kernel.errors import Unavailable
from core.messaging.inbox import DEAD_LETTER_SUFFIX
from core.messaging.message import is_own_context, topic_of
from core.messaging.topic import Topic

HOUR, DAY, FOREVER = 3600 * 1000, 24 * 3600 * 1000, "-1"
DESCRIBE_TIMEOUT_SECONDS = 5.0
SET_ON_TOPIC = 1
"""The source of a setting that the topic itself has; others come from the broker and change with it."""


@dataclass(frozen=True, slots=True)
class KafkaTopics:
    """Creates missing topics, and corrects the settings of existing ones that Bursar owns."""

    connection: Mapping[str, Any]
    topic_prefix: str
    partitions: int
    replicas: int
    commands_days: int
    events_days: int
    contexts: Sequence[str]

    async def __call__(self) -> list[Topic]:
        """Return every topic of the application after creating it; raise `Unavailable`."""
        admin = AIOKafkaAdminClient(**self.connection, request_timeout_ms=5_000)
        try:
            await admin.start()
            known = [(topic_of(context), self.partitions, self._settings(context)) for context in self.contexts]
            heads = (AUDIT_HEADS_TOPIC, 1, {"cleanup.policy": "delete", "retention.ms": FOREVER})
            brief = {"cleanup.policy": "delete", "retention.ms": str(HOUR), "segment.ms": str(HOUR)}
            own = (heads, (HEARTBEAT_TOPIC, self.partitions, brief))
            return [await self._ensure(admin, *each) for each in (*known, *own)]
        except (KafkaError, OSError, TimeoutError) as error:
            servers = self.connection["bootstrap_servers"]
            raise Unavailable(f"Kafka at {servers} does not answer, or refuses: {error!r}") from error
        finally:
            await admin.close()

    def _settings(self, context: str) -> dict[str, str]:
        """Return settings that delete a message at most one day late: the broker deletes whole segments."""
        days = self.events_days if is_own_context(context) else self.commands_days
        # A compacted topic would lose every message but the last of its key.
        kept = {"cleanup.policy": "delete", "retention.ms": str(days * DAY), "segment.ms": str(DAY)}
        if context.endswith(f".{DEAD_LETTER_SUFFIX}"):
            return kept | {"retention.ms": FOREVER}
        # The broker's clock stamps commands: deadlines must not depend on the clock of the sender.
        return kept if is_own_context(context) else kept | {"message.timestamp.type": "LogAppendTime"}

    async def _ensure(self, admin: AIOKafkaAdminClient, topic: str, partitions: int, settings: dict[str, str]) -> Topic:
        name = self.topic_prefix + topic
        wanted = NewTopic(name, partitions, self.replicas, topic_configs=settings)
        reply = await admin.create_topics([wanted])
        code = reply.topic_errors[0][1]
        if code not in (0, TopicAlreadyExistsError.errno):
            raise Unavailable(f"Kafka refuses to create {name}: {reply.topic_errors[0]}")
        if not code:
            return Topic(name, partitions, self.replicas, settings, created=True)
        return await self._correct(admin, name, settings)

    async def _correct(self, admin: AIOKafkaAdminClient, name: str, settings: dict[str, str]) -> Topic:
        """Change what differs from the wanted settings, and nothing else."""
        entries = await self._describe(admin, name)
        former = {
            key: value if source == SET_ON_TOPIC else f"{value} by default"
            for key, value, _, source, *_ in entries
            if key in settings and (source != SET_ON_TOPIC or value != settings[key])
        }
        if former:
            await change_settings(admin, name, {key: settings[key] for key in former})
        [described] = await admin.describe_topics([name])
        partitions = described["partitions"]
        return Topic(name, len(partitions), len(partitions[0]["replicas"]), settings, changed=former)

    async def _describe(self, admin: AIOKafkaAdminClient, name: str) -> Sequence[Any]:
        """Return the settings of a topic; a broker may not know it until a moment after its creation."""
        async with asyncio.timeout(DESCRIBE_TIMEOUT_SECONDS):
            while True:
                [reply] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
                code, why, _, _, entries = reply.resources[0]
                if not code:
                    return entries  # type: ignore[no-any-return]  # aiokafka has no types
                if code != UnknownTopicOrPartitionError.errno:
                    raise for_code(code)(f"{name}: {why}")
                await asyncio.sleep(0.1)
