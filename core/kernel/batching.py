"""What waits at the same moment is done together, as far as a power of two goes.

While one batch is under way the next gathers: nobody waits for company, and the more wait, the more share the cost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.kernel.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")
MAX_ITEMS_PER_BATCH = 256
"""Items in one batch: the cost of a row no longer falls, and a batch that fails is soon found out."""
MAX_PENDING_ITEMS = 2_000
"""Items that may wait: whoever comes later had better come again than keep his client in the dark."""


@dataclass(frozen=True, slots=True, eq=False)
class PendingItem(Generic[T, R]):
    """Something to be done, and somebody who waits for the answer."""

    item: T
    answer: asyncio.Future[R] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, answer: R) -> None:
        """Tell whoever waits, if he still does."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, failure: Exception) -> None:
        """Tell whoever waits why there is no answer, if he still does."""
        if not self.answer.done():
            self.answer.set_exception(failure)


class Batcher(Generic[T, R]):
    """Hands what waits to `work`, which ends each item or fails as a whole."""

    def __init__(self, work: Callable[[Sequence[PendingItem[T, R]]], Awaitable[None]]) -> None:
        self._work = work
        self._pending_items: list[PendingItem[T, R]] = []
        self._drain_task: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Return the answer to one item; raise `Unavailable` at once where too many wait already."""
        if len(self._pending_items) >= MAX_PENDING_ITEMS:
            raise Unavailable("more wait for the database than it can serve soon", retry_after=1)
        waiting: PendingItem[T, R] = PendingItem(item)
        self._pending_items.append(waiting)
        if self._drain_task is None or self._drain_task.done():
            # in no request's context, for it works for all
            self._drain_task = asyncio.create_task(self._drain(), context=Context())
        return await waiting.answer

    async def _drain(self) -> None:
        while self._pending_items:
            # a power of two, so that statements are of few lengths and the server need not read them again
            size = min(1 << len(self._pending_items).bit_length() - 1, MAX_ITEMS_PER_BATCH)
            batch = [each for each in self._pending_items[:size] if not each.answer.done()]
            del self._pending_items[:size]
            try:
                if batch:
                    await self._work(batch)
            except Unavailable as outage:
                self._fail(batch + self._pending_items, outage)  # at once, and not one batch after another
            except Exception as failure:
                self._fail(batch, failure)
            except BaseException:
                self._fail(batch + self._pending_items, Unavailable("we are stopping", retry_after=1))
                raise

    def _fail(self, those: Sequence[PendingItem[T, R]], failure: Exception) -> None:
        for each in those:
            each.fail(copy_of_failure(failure))
        self._pending_items = [each for each in self._pending_items if not each.answer.done()]


def copy_of_failure(failure: Exception) -> Exception:
    """Return a failure to be raised by one of many, who may add to it; the same where it cannot be copied."""
    try:
        return copy(failure)
    except Exception:
        return failure
