"""Counts the connections in use, so that a database closes after the last of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from core.kernel.errors import Unavailable

CLOSING_SECONDS = 3
"""Reads and writes under way, of background tasks, may end within this time before the connections are closed."""


@dataclass(slots=True)
class Lending:
    """The connections that are in use, until the database is closed."""

    lent: int = 0
    closed: bool = False
    all_returned: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a connection; raise `Unavailable` when the database is closed."""
        if self.closed:  # a pool would open a connection that nothing closes
            raise Unavailable("the database is closed", retry_after=1)
        self.lent += 1
        try:
            yield
        finally:
            self.lent -= 1
            if not self.lent:
                self.all_returned.set()

    async def close(self) -> None:
        """Lend no more, and wait until all are returned, for `CLOSING_SECONDS` at most."""
        self.closed = True
        self.all_returned.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                if self.lent:
                    await self.all_returned.wait()
