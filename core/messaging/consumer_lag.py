"""The port that tells how far the consumers are behind the broker."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol


class ConsumerLag(Protocol):
    """The messages that the broker holds and the consumer group has not taken."""

    @abstractmethod
    async def by_topic(self) -> Mapping[str, int]:
        """Return their number by topic, empty without a broker; raise `Unavailable`."""
