"""The probe of Kafka."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.messaging.message import topic_of


class KafkaProbe(Probe):
    """Checks that the broker answers, and that each partition of the application's topics has a leader."""

    name = "events (kafka)"

    def __init__(self, connection: Mapping[str, Any], topic_prefix: str, contexts: Sequence[str]) -> None:
        self._connection, self._bootstrap = connection, connection["bootstrap_servers"]
        self._topics = {topic_prefix + topic_of(context) for context in contexts}
        self.remedy = "start the broker or correct kafka.bootstrap; create topics with `bursar topics`"

    async def check(self) -> str:
        admin = AIOKafkaAdminClient(**self._connection, request_timeout_ms=2_000)
        try:
            await admin.start()
            described = await admin.describe_topics(sorted(self._topics))
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {self._bootstrap} does not answer") from error
        finally:
            await admin.close()
        if missing := {each["topic"] for each in described if each["error_code"] == UnknownTopicOrPartitionError.errno}:
            raise Unavailable(f"Kafka at {self._bootstrap} has no topic {', '.join(sorted(missing))}")
        if without := {each["topic"] for each in described if any(part["leader"] < 0 for part in each["partitions"])}:
            raise Unavailable(f"no broker leads a partition of {', '.join(sorted(without))}: it takes no events")
        return f"{self._bootstrap}, {len(self._topics)} topics"
