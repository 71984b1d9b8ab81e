"""Whether the topics have the partitions and replicas of the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from core.kernel.errors import Unavailable
from core.kernel.health import Probe, Unfit
from core.messaging.message import topic_of

TIMEOUT_SECONDS = 2


class KafkaTopicsProbe(Probe):
    """Tells which existing topics are smaller than the settings say; missing ones are told by the other probe."""

    name, remedy = "topics (kafka)", "correct kafka.bootstrap"
    deadline_seconds = 4.0

    def __init__(
        self,
        connection: Mapping[str, Any],
        topic_prefix: str,
        contexts: Sequence[str],
        partitions: int,
        replicas: int,
    ) -> None:
        self._connection, self._partitions, self._replicas = connection, partitions, replicas
        self._topics = sorted(topic_prefix + topic_of(context) for context in contexts)

    async def check(self) -> str:
        admin = AIOKafkaAdminClient(**self._connection, request_timeout_ms=TIMEOUT_SECONDS * 1_000)
        try:
            await admin.start()
            described = await admin.describe_topics(self._topics)
        except (KafkaError, OSError) as error:
            raise Unavailable(
                f"not examined: Kafka at {self._connection['bootstrap_servers']} does not answer"
            ) from error
        finally:
            await admin.close()
        present = [each for each in described if not each["error_code"]]
        if few := [each["topic"] for each in present if len(each["partitions"]) < self._partitions]:
            raise Unfit(
                f"{', '.join(few)}: fewer than kafka.partitions ({self._partitions}), which limits the consumers",
                "add partitions while no event waits (kafka-topics --alter --partitions), or lower kafka.partitions",
            )
        if thin := [
            each["topic"]
            for each in present
            if any(len(part["replicas"]) < self._replicas for part in each["partitions"])
        ]:
            raise Unfit(
                f"{', '.join(thin)}: fewer replicas than kafka.replicas ({self._replicas})",
                "add replicas (kafka-reassign-partitions), or lower kafka.replicas",
            )
        return f"{len(present)} topics as configured"
