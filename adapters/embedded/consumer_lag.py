"""The lag of the consumer within one process: the outbox holds what it has not taken."""

from collections.abc import Mapping

from core.messaging.consumer_lag import ConsumerLag


class EmbeddedConsumerLag(ConsumerLag):
    """Has no topics."""

    async def by_topic(self) -> Mapping[str, int]:
        return {}
