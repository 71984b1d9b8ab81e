"""Deliveries in hand: a vendor is asked for them, or what became of them is not stored yet."""

import asyncio
from asyncio import CancelledError, Task
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from core.kernel.errors import Unavailable
from core.notifications.delivery import Delivery

BATCH_WINDOW_SECONDS = 0.002
"""Seconds that others under way are given to end, so that one transaction stores them all."""
MAX_UNSAVED_DELIVERIES = 200
"""When the database is that far behind the vendors, they wait for it."""
SAVE_RETRY_INTERVAL_SECONDS = 0.5
"""Seconds between tries to store while the database is away."""
VENDOR_CALL_GRACE_SECONDS = 1.0
"""Seconds that calls of vendors have to end when we stop."""
SAVE_GRACE_SECONDS = 5.0
"""Seconds that the database has to come back when we stop."""


class InFlightDeliveries:
    """Store what became of each delivery soon after it is known, many in one transaction.

    Leaving waits until all is stored; a cancellation drops everything, as a kill would.
    """

    def __init__(self, save: Callable[[Sequence[Delivery]], Awaitable[None]], save_timeout_seconds: float) -> None:
        """Give up storing when the database has been away for so many seconds, or when we stop."""
        self._save, self._save_timeout_seconds = save, save_timeout_seconds
        self._calls: set[Task[Delivery]] = set()
        self._unsaved: list[Delivery] = []
        self._closed = False
        self.failure: Exception | None = None
        """Why something could not be stored."""
        self.bell = asyncio.Event()
        """Rings, and is another, when a call has ended or something was stored."""

    def __len__(self) -> int:
        return len(self._calls) + len(self._unsaved)

    @property
    def has_capacity(self) -> bool:
        """Whether we can take more."""
        return self.failure is None and len(self._unsaved) < MAX_UNSAVED_DELIVERIES

    def take(self, call: Coroutine[Any, Any, Delivery]) -> None:
        """Let a vendor be asked."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._on_call_done)

    def release(self, deliveries: Sequence[Delivery], due_at: datetime) -> None:
        """Let others take what was never sent."""
        for delivery in deliveries:
            delivery.postpone(due_at, "")
        self._unsaved += deliveries
        self._notify_changed()

    async def drain(self) -> None:
        """Give calls a moment to end, and end those that do not."""
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
        rung, self.bell = self.bell, asyncio.Event()
        rung.set()

    async def _save_continuously(self) -> None:
        while len(self) or not self._closed:
            if not self._unsaved:
                await self.bell.wait()
                continue
            if self._calls:
                await asyncio.sleep(BATCH_WINDOW_SECONDS)
            batch = self._unsaved.copy()
            await self._save_with_retry(batch)
            del self._unsaved[: len(batch)]
            self._notify_changed()

    async def _save_with_retry(self, batch: Sequence[Delivery]) -> None:
        """Store a batch, again and again while the database is away; what cannot be stored must not harm the others."""
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
