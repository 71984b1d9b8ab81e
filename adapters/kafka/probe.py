"""The probe of Kafka."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.messaging.message import topic_of


class KafkaProbe(Probe):
    """Checks that the broker answers and has the topics of the application."""

    name = "events (kafka)"

    def __init__(self, connection: Mapping[str, Any], topic_prefix: str, contexts: Sequence[str]) -> None:
        self._connection, self._bootstrap = connection, connection["bootstrap_servers"]
        self._topics = {topic_prefix + topic_of(context) for context in contexts}
        self.remedy = "start the broker or correct kafka.bootstrap; create topics with `bursar topics`"

    async def check(self) -> str:
        admin = AIOKafkaAdminClient(**self._connection, request_timeout_ms=2_000)
        try:
            await admin.start()
            known = set(await admin.list_topics())
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka at {self._bootstrap} does not answer") from error
        finally:
            await admin.close()
        if missing := self._topics - known:
            raise Unavailable(f"Kafka at {self._bootstrap} has no topic {', '.join(sorted(missing))}")
        return f"{self._bootstrap}, {len(self._topics)} topics"
