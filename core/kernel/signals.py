"""In-process notifications that wake a poller before its next poll."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress


class Signals:
    """Named one-shot events; a poller that calls `listen` before it looks for work misses no notification."""

    def __init__(self) -> None:
        self._next: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def notify(self, names: Iterable[str]) -> None:
        """Wake every listener of these names."""
        for name in names:
            if (heard := self._next.pop(name, None)) is not None:
                heard.set()

    def listen(self, name: str) -> asyncio.Event:
        """Return the event that the next notification sets."""
        return self._next[name]

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


async def wait_for_any(*events: asyncio.Event, seconds: float) -> None:
    """Return when one of the events is set, or after `seconds`."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
