"""A sender that never has too much under way."""

import asyncio
from typing import Generic

from adapters.resilience.messages import M
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Bulkhead(Sender[M], Generic[M]):
    """Let at most `concurrency` calls through at a time; the others wait in the order they came."""

    def __init__(self, inner: Sender[M], concurrency: int) -> None:
        self._inner = inner
        self._places = asyncio.Semaphore(concurrency)

    async def send(self, message: M) -> Accepted:
        async with self._places:
            return await self._inner.send(message)
