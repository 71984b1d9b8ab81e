"""Limits the duration of a call."""

import asyncio
from typing import Generic

from adapters.resilience.calls import A, Caller, Q
from core.kernel.vendor_errors import OutcomeUnknown


class Deadline(Caller[Q, A], Generic[Q, A]):
    """Raises `OutcomeUnknown` after `seconds`: the vendor may have received the request."""

    def __init__(self, inner: Caller[Q, A], vendor: str, seconds: float) -> None:
        self._inner = inner
        self._vendor = vendor
        self._seconds = seconds

    async def send(self, request: Q) -> A:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._inner.send(request)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{self._vendor} did not answer within {self._seconds:g} s") from error
