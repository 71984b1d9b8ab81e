"""The offsets of the consumer group, moved back after the database was restored to an earlier moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalGenerationError, KafkaError, RebalanceInProgressError, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata

from core.kernel.errors import Conflict, Unavailable
from core.messaging.message import is_own_context, topic_of

CLOCK_MARGIN = timedelta(minutes=5)
"""The clocks of the broker and of the database may differ; the inbox makes repeated messages harmless."""


class GroupIsActive(Conflict):
    """Consumers of the group run."""

    problem = "group-is-active"


@dataclass(frozen=True, slots=True)
class KafkaOffsets:
    """Moves the group back on the topics of commands; own events are replayed from the event log instead.

    The topics of own events have events that the restored database never had: they must not take effect.
    """

    connection: Mapping[str, Any]
    topic_prefix: str
    group: str
    contexts: Sequence[str]

    async def __call__(self, moment: datetime) -> Mapping[str, int]:
        """Return by how many messages each partition moved; raise `GroupIsActive` or `Unavailable`."""
        consumer = AIOKafkaConsumer(**self.connection, group_id=self.group, enable_auto_commit=False)
        topics = [self.topic_prefix + topic_of(each) for each in self.contexts if not is_own_context(each)]
        try:
            await consumer.start()
            return await self._rewind(consumer, topics, int((moment - CLOCK_MARGIN).timestamp() * 1_000))
        except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
            raise GroupIsActive(f"consumers of the group {self.group} run: stop them first") from error
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {self.connection['bootstrap_servers']} does not answer: {error!r}") from error
        finally:
            await consumer.stop()

    async def _rewind(self, consumer: Any, topics: Sequence[str], milliseconds: int) -> Mapping[str, int]:
        partitions = [
            TopicPartition(topic, each) for topic in topics for each in (await partitions_of(consumer, topic))
        ]
        if not partitions:
            return {}
        consumer.assign(partitions)
        earlier = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
        moved = {}
        for each in partitions:
            committed, found = await consumer.committed(each), earlier.get(each)
            if committed is not None and found is not None and found.offset < committed:
                await consumer.commit({each: OffsetAndMetadata(found.offset, "")})
                moved[f"{each.topic}/{each.partition}"] = committed - found.offset
        return moved


async def partitions_of(consumer: Any, topic: str) -> Sequence[int]:
    """Return the partitions of a topic; none if it does not exist."""
    await consumer._client.set_topics({topic})  # noqa: SLF001 - no public method waits for the metadata of a topic
    return sorted(consumer.partitions_for_topic(topic) or ())
