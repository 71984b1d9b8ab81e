"""Group commit: items that arrive while a batch is processed form the next batch.

An item never waits for a batch to fill up; the batch size follows from the load.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from copy import copy
from typing import Generic, TypeVar

from core.kernel.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")
MAX_ITEMS_PER_BATCH = 256
"""Items in one batch. Larger batches cost the same for each row and fail later."""
MAX_PENDING_ITEMS = 2_000
"""Items that may wait for a batch; the batcher rejects further items at once with `Unavailable`."""


class PendingItem(Generic[T, R]):
    """An item and the future that its caller awaits."""

    __slots__ = ("answer", "item")

    def __init__(self, item: T) -> None:
        self.item = item
        self.answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def resolve(self, answer: R) -> None:
        """Set the result, unless the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, failure: Exception) -> None:
        """Set the exception, unless the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_exception(failure)


class Batcher(Generic[T, R]):
    """Passes pending items in batches to `work`, which resolves each item or fails as a whole."""

    def __init__(self, work: Callable[[Sequence[PendingItem[T, R]]], Awaitable[None]]) -> None:
        self._work = work
        self._pending_items: list[PendingItem[T, R]] = []
        self._drain_task: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Return the answer to one item; raise `Unavailable` at once when `MAX_PENDING_ITEMS` are pending."""
        if len(self._pending_items) >= MAX_PENDING_ITEMS:
            raise Unavailable("too many requests wait for the database; try again in a second", retry_after=1)
        waiting: PendingItem[T, R] = PendingItem(item)
        self._pending_items.append(waiting)
        if self._drain_task is None or self._drain_task.done():
            # An empty context: the task works for many requests and must not carry the trace of one.
            self._drain_task = asyncio.create_task(self._drain(), context=Context())
        return await waiting.answer

    async def _drain(self) -> None:
        while self._pending_items:
            # A power of two, so that statements have few lengths and the server reuses the parsed ones.
            size = min(1 << len(self._pending_items).bit_length() - 1, MAX_ITEMS_PER_BATCH)
            batch = [each for each in self._pending_items[:size] if not each.answer.done()]
            del self._pending_items[:size]
            try:
                if batch:
                    await self._work(batch)
            except Unavailable as outage:
                self._fail(batch + self._pending_items, outage)  # later batches would meet the same outage
            except Exception as failure:
                self._fail(batch, failure)
            except BaseException:
                self._fail(batch + self._pending_items, Unavailable("the program is stopping", retry_after=1))
                raise

    def _fail(self, those: Sequence[PendingItem[T, R]], failure: Exception) -> None:
        for each in those:
            each.fail(copy_of_failure(failure))
        self._pending_items = [each for each in self._pending_items if not each.answer.done()]


async def isolate_failures(
    batch: Sequence[T],
    work: Callable[[Sequence[T]], Awaitable[None]],
    fail: Callable[[T, Exception], Awaitable[None]],
    *,
    isolated: tuple[type[Unavailable], ...] = (),
) -> None:
    """Work on a batch; where that fails, on its halves, down to single items, whose failure is passed to `fail`.

    Raises `Unavailable`, which no item of the batch has caused; of the kinds in `isolated`, one item has.
    """
    try:
        await work(batch)
    except Exception as failure:
        if isinstance(failure, Unavailable) and not isinstance(failure, isolated):
            raise
        if len(batch) == 1:
            await fail(batch[0], failure)
        else:
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                await isolate_failures(half, work, fail, isolated=isolated)


def copy_of_failure(failure: Exception) -> Exception:
    """Return a copy for one caller, whose traceback grows on its own; the original if it cannot be copied."""
    try:
        return copy(failure)
    except Exception:
        return failure
