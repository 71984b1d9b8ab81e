"""What waits at the same moment is done together, as far as a power of two goes.

While one batch is under way the next gathers: nobody waits for company, and the more wait, the more share the cost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.shared.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")
MOST = 256
"""Items in one batch: the cost of a row no longer falls, and a batch that fails is soon found out."""
CROWDED = 2_000
"""Items that may wait: whoever comes later had better come again than keep his client in the dark."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiting(Generic[T, R]):
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


class Batches(Generic[T, R]):
    """Hands what waits to `work`, which ends each item or fails as a whole."""

    def __init__(self, work: Callable[[Sequence[Waiting[T, R]]], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: list[Waiting[T, R]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """Return the answer to one item; raise `Unavailable` at once where too many wait already."""
        if len(self._waiting) >= CROWDED:
            raise Unavailable("more wait for the database than it can serve soon", retry_after=1)
        waiting: Waiting[T, R] = Waiting(item)
        self._waiting.append(waiting)
        if self._working is None or self._working.done():
            # in no request's context, for it works for all
            self._working = asyncio.create_task(self._work_off(), context=Context())
        return await waiting.answer

    async def _work_off(self) -> None:
        while self._waiting:
            # a power of two, so that statements are of few lengths and the server need not read them again
            size = min(1 << len(self._waiting).bit_length() - 1, MOST)
            batch = [each for each in self._waiting[:size] if not each.answer.done()]
            del self._waiting[:size]
            try:
                if batch:
                    await self._work(batch)
            except Unavailable as outage:
                self._fail(batch + self._waiting, outage)  # at once, and not one batch after another
            except Exception as failure:
                self._fail(batch, failure)
            except BaseException:
                self._fail(batch + self._waiting, Unavailable("we are stopping", retry_after=1))
                raise

    def _fail(self, those: Sequence[Waiting[T, R]], failure: Exception) -> None:
        for each in those:
            each.fail(own(failure))
        self._waiting = [each for each in self._waiting if not each.answer.done()]


def own(failure: Exception) -> Exception:
    """Return a failure to be raised by one of many, who may add to it; the same where it cannot be copied."""
    try:
        return copy(failure)
    except Exception:
        return failure
