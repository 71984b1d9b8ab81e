"""Creates the topics of the application with their retention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from core.kernel.errors import Unavailable
from core.messaging.inbox import DEAD_LETTER_SUFFIX
from core.messaging.message import is_own_context, topic_of

DAY, FOREVER = 24 * 3600 * 1000, "-1"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with its wanted settings."""

    name: str
    partitions: int
    replicas: int
    settings: Mapping[str, str] = field(default_factory=dict)
    created: bool = False


@dataclass(frozen=True, slots=True)
class KafkaTopics:
    """Creates missing topics and corrects the settings of existing ones."""

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
            return [await self._ensure(admin, context, self._settings(context)) for context in self.contexts]
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {self.connection['bootstrap_servers']} does not answer: {error!r}") from error
        finally:
            await admin.close()

    def _settings(self, context: str) -> dict[str, str]:
        """Return settings that delete a message at most one day late: the broker deletes whole segments."""
        days = self.events_days if is_own_context(context) else self.commands_days
        kept = {"retention.ms": str(days * DAY), "segment.ms": str(DAY)}
        if context.endswith(f".{DEAD_LETTER_SUFFIX}"):
            return kept | {"retention.ms": FOREVER}
        # The broker's clock stamps commands: deadlines must not depend on the clock of the sender.
        return kept if is_own_context(context) else kept | {"message.timestamp.type": "LogAppendTime"}

    async def _ensure(self, admin: AIOKafkaAdminClient, context: str, settings: dict[str, str]) -> Topic:
        name = self.topic_prefix + topic_of(context)
        wanted = NewTopic(name, self.partitions, self.replicas, topic_configs=settings)
        reply = await admin.create_topics([wanted])
        code = reply.topic_errors[0][1]
        if code not in (0, TopicAlreadyExistsError.errno):
            raise Unavailable(f"Kafka refuses to create {name}: {reply.topic_errors[0]}")
        if code:  # it exists, perhaps with other settings
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=settings)])
        return Topic(name, self.partitions, self.replicas, settings, created=code == 0)
