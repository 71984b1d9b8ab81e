"""Limits the duration of a call."""

import asyncio
from typing import Generic

from adapters.resilience.messages import M
from core.kernel.vendor_errors import OutcomeUnknown
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Deadline(Sender[M], Generic[M]):
    """Raises `OutcomeUnknown` after `seconds`: the vendor may have received the request."""

    def __init__(self, inner: Sender[M], vendor: str, seconds: float) -> None:
        self._inner = inner
        self._vendor = vendor
        self._seconds = seconds

    async def send(self, message: M) -> Accepted:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._inner.send(message)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{self._vendor} did not answer within {self._seconds:g} s") from error
