"""The names of exchanges and queues."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.messaging.inbox import DEAD_LETTER_SUFFIX
from core.messaging.message import topic_of

HEARTBEAT_QUEUE = "bursar.heartbeat.v1"
"""Takes the message of the probe; no program reads it."""
UNDELIVERABLE_QUEUE = "bursar.undeliverable.v1"
"""Takes what was delivered `DELIVERY_LIMIT` times without an acknowledgement, or waited too long; for an operator."""


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The fanout exchange of a topic, the exchange that spreads over its partitions, and their queues."""

    topic: str
    partitions: int
    """0 for a topic without a consumer here: one queue keeps its messages."""

    @property
    def spreading(self) -> str:
        """Return the name of the consistent-hash exchange."""
        return f"{self.topic}.partitions"

    @property
    def queues(self) -> Sequence[str]:
        """Return the names of the queues, by partition."""
        return [f"{self.topic}.{number}" for number in range(self.partitions)] or [self.topic]


def names_of(topic_prefix: str, contexts: Iterable[str], partitions: int) -> list[TopicNames]:
    """Return the names of every context; dead letters are only written."""
    written = f".{DEAD_LETTER_SUFFIX}"
    return [TopicNames(topic_prefix + topic_of(each), 0 if each.endswith(written) else partitions) for each in contexts]


def queues_of(topic_prefix: str, partitions: int, contexts: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return the queues that the consumer of each context reads."""
    known = tuple(contexts)
    return dict(zip(known, (each.queues for each in names_of(topic_prefix, known, partitions)), strict=True))
