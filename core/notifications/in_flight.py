"""In-flight deliveries: a vendor call is running, or its outcome is not stored yet."""

import asyncio
from asyncio import CancelledError, Task
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from core.kernel.errors import Unavailable
from core.notifications.delivery import Delivery

BATCH_WINDOW_SECONDS = 0.002
"""Time for other calls to end, so that one transaction stores several outcomes."""
MAX_UNSAVED_DELIVERIES = 200
"""Back-pressure: no delivery is claimed while this many outcomes are not stored."""
SAVE_RETRY_INTERVAL_SECONDS = 0.5
"""Between two attempts to store while the database is unavailable."""
VENDOR_CALL_GRACE_SECONDS = 1.0
"""Time for vendor calls to end after the stop signal."""
SAVE_GRACE_SECONDS = 5.0
"""Time for an unavailable database to return after the stop signal."""


class InFlightDeliveries:
    """Runs vendor calls, and stores their outcomes in batches.

    Leaving the context waits until all outcomes are stored; a cancellation drops them, as a kill would.
    """

    def __init__(self, save: Callable[[Sequence[Delivery]], Awaitable[None]], save_timeout_seconds: float) -> None:
        """Fail when storing a batch takes longer than the timeout because the database is unavailable."""
        self._save, self._save_timeout_seconds = save, save_timeout_seconds
        self._calls: set[Task[Delivery]] = set()
        self._unsaved: list[Delivery] = []
        self._closed = False
        self.failure: Exception | None = None
        """The reason why an outcome could not be stored."""
        self.changed = asyncio.Event()
        """Set, and replaced by a new event, when a call ends or outcomes are stored."""

    def __len__(self) -> int:
        return len(self._calls) + len(self._unsaved)

    @property
    def has_capacity(self) -> bool:
        """Whether another delivery may be claimed."""
        return self.failure is None and len(self._unsaved) < MAX_UNSAVED_DELIVERIES

    def start(self, call: Coroutine[Any, Any, Delivery]) -> None:
        """Start a vendor call."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._on_call_done)

    def release(self, deliveries: Sequence[Delivery], due_at: datetime) -> None:
        """Postpone deliveries that were claimed but not sent, and store that."""
        for delivery in deliveries:
            delivery.postpone(due_at, "")
        self._unsaved += deliveries
        self._notify_changed()

    async def drain(self) -> None:
        """Wait for the grace period, then cancel the remaining calls."""
        self._save_timeout_seconds = min(self._save_timeout_seconds, SAVE_GRACE_SECONDS)
        if self._calls:
            await asyncio.wait(self._calls, timeout=VENDOR_CALL_GRACE_SECONDS)
        for call in self._calls:
            call.cancel()

    async def __aenter__(self) -> Self:
        self._saving_task = asyncio.create_task(self._save_continuously())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._notify_changed()
        try:
            if isinstance(error, CancelledError):
                raise error
            await self._saving_task
        except CancelledError:
            for task in (self._saving_task, *self._calls):
                task.cancel()
            raise
        if self.failure is not None and error is None:
            raise self.failure

    def _on_call_done(self, call: Task[Delivery]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            self._unsaved.append(call.result())
        self._notify_changed()

    def _notify_changed(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    async def _save_continuously(self) -> None:
        while len(self) or not self._closed:
            if not self._unsaved:
                await self.changed.wait()
                continue
            if self._calls:
                await asyncio.sleep(BATCH_WINDOW_SECONDS)
            batch = self._unsaved.copy()
            await self._save_with_retry(batch)
            del self._unsaved[: len(batch)]
            self._notify_changed()

    async def _save_with_retry(self, batch: Sequence[Delivery]) -> None:
        """Store a batch, with retries while the database is unavailable; after a defect, store each delivery alone."""
        began = asyncio.get_running_loop().time()
        while True:
            try:
                return await self._save(batch)
            except Unavailable as outage:
                if asyncio.get_running_loop().time() - began > self._save_timeout_seconds:
                    self.failure = outage
                    return None
                await asyncio.sleep(SAVE_RETRY_INTERVAL_SECONDS)
            except Exception as defect:
                if len(batch) == 1:
                    self.failure = defect
                    return None
                for each in batch:
                    await self._save_with_retry([each])
                return None
