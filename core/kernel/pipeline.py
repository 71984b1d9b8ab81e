"""Work that is under way at the same time, of which the next begins as soon as one ends."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Pipeline:
    """Tasks of a block, at most a number of them at a time; all have ended at its end, also after an error."""

    def __init__(self, at_once: int) -> None:
        """Begin with no task."""
        self._at_once, self._running = at_once, set[asyncio.Task[None]]()

    async def __aenter__(self) -> Self:
        return self

    async def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a task, when one has ended if too many are under way; raise its error."""
        self._running.add(asyncio.create_task(work))
        if len(self._running) >= self._at_once:
            await self._ended(asyncio.FIRST_COMPLETED)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._running:
            await self._ended(asyncio.ALL_COMPLETED)
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _ended(self, when: str) -> None:
        done, self._running = await asyncio.wait(self._running, return_when=when)
        if errors := [error for each in done if (error := each.exception())]:
            raise errors[0]
