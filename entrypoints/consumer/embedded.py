"""Messages of the same process."""

from core.shared.messages import Feed
from entrypoints.consumer.consumer import Consumer


def consume(feed: Feed, consumer: Consumer) -> None:
    """Take in every message the relay publishes in this process."""
    feed.subscribe(consumer)
