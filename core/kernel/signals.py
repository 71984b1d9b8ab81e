"""Who has work to do hears of it at once, when it was made in the same process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress


class Signals:
    """Bells with names.  Whoever listens before looking for work misses no ring."""

    def __init__(self) -> None:
        self._next: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def ring(self, names: Iterable[str]) -> None:
        """Wake everybody who listens to these."""
        for name in names:
            if (heard := self._next.pop(name, None)) is not None:
                heard.set()

    def listen(self, name: str) -> asyncio.Event:
        """Return what the next ring will set."""
        return self._next[name]

    @staticmethod
    async def wait(event: asyncio.Event, seconds: float) -> None:
        """Return at the ring, or after `seconds` without one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


async def wait_for_any(*events: asyncio.Event, seconds: float) -> None:
    """Return when one of them is set, or after `seconds` without."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
