"""Messages of the same process."""

from core.messaging.message import MessageSource
from entrypoints.messages.consumer import Consumer


def consume(feed: MessageSource, consumer: Consumer) -> None:
    """Take in every message the relay publishes in this process."""
    feed.subscribe(consumer)
