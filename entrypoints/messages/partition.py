"""Consumes one partition of a topic, whatever the broker: delivers a batch, then acknowledges it."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog
from prometheus_client import Counter

from core.messaging.message import Message, MessageBatchHandler
from entrypoints.effects import count_effect

log = structlog.get_logger()
UNREADABLE = Counter("bursar_partition_unreadable", "Polls of a partition that failed", ["topic"])
MAX_MESSAGES_PER_BATCH = 200
MAX_BATCHES_IN_FLIGHT = 4
"""More batches at a time are not faster, and leave other loops no database connection."""
DRAIN_TIMEOUT_SECONDS = 5.0
"""Work in flight has so long to end when its partition is revoked, or the transport stops."""
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.1, 30.0


class Source(Protocol):
    """The messages of one partition in order."""

    topic: str
    name: str
    """Topic and number of the partition."""

    @abstractmethod
    async def next(self) -> tuple[Sequence[Message], int]:
        """Return the next messages after waiting for them for a second, and the position after them."""

    @abstractmethod
    async def acknowledge(self, position: int) -> None:
        """Tell the broker that all messages before a position took effect; a failure is logged.

        The next acknowledgement makes up for a failed one, or the inbox drops the redelivery.
        """


class Partition:
    """A partition that this process consumes."""

    def __init__(self, source: Source, handle_batch: MessageBatchHandler) -> None:
        self._source, self._handle_batch = source, handle_batch
        self._revoked, self._busy = asyncio.Event(), False
        self.task = asyncio.create_task(self._run())

    def revoke(self) -> None:
        """Stop after the batch in flight; without one, stop now."""
        self._revoked.set()
        if not self._busy:
            self.task.cancel()

    async def _run(self) -> None:
        pause = MIN_BACKOFF_SECONDS
        while not self._revoked.is_set():
            try:
                messages, position = await self._source.next()
            except Exception as error:  # an unreadable partition must not stop the others
                UNREADABLE.labels(self._source.topic).inc()
                log.warning("partition_unreadable", partition=self._source.name, error=error)
                await wait(self._revoked, pause)
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
                continue
            pause = MIN_BACKOFF_SECONDS
            if messages:
                self._busy = True
                await self._deliver_until_done(messages, position)
                self._busy = False

    async def _deliver_until_done(self, messages: Sequence[Message], position: int) -> None:
        """Deliver a batch until it succeeds; after a revocation, stop and leave it unacknowledged."""
        pause = MIN_BACKOFF_SECONDS
        while not self._revoked.is_set():
            try:
                await self._handle_batch(messages)
            except Exception as error:  # a defect must stop only its partition
                count_effect("consumer", done=False)
                log.warning("batch_failed_will_retry", partition=self._source.name, error=error)
                await wait(self._revoked, max(pause, getattr(error, "retry_after", None) or 0.0))
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
            else:
                count_effect("consumer", done=True)
                await self._source.acknowledge(position)
                return


def in_slots(handle_batch: MessageBatchHandler) -> MessageBatchHandler:
    """Bound the batches that all partitions have in flight."""
    slots = asyncio.Semaphore(MAX_BATCHES_IN_FLIGHT)

    async def deliver(messages: Sequence[Message]) -> None:
        async with slots:
            await handle_batch(messages)

    return deliver


async def release(partitions: Iterable[Partition]) -> None:
    """Finish batches in flight, or cancel them after `DRAIN_TIMEOUT_SECONDS`; their messages are redelivered."""
    tasks = []
    for partition in partitions:
        partition.revoke()
        tasks.append(partition.task)
    if tasks:
        await asyncio.wait(tasks, timeout=DRAIN_TIMEOUT_SECONDS)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.warning("batch_cancelled", error=outcome)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, for `seconds` at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
