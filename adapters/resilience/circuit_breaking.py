"""Blocks calls to a vendor that fails, or holds our calls back."""

from typing import Generic, cast

from adapters.resilience.account_alarm import AccountAlarm
from adapters.resilience.breaker import RateBreaker
from adapters.resilience.calls import A, Caller, M, Q
from core.kernel.clock import Clock
from core.notifications.errors import AlreadyReported, TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class CircuitBreaking(Caller[Q, A], Generic[Q, A]):
    """Raises `BreakerOpen` or `VendorHeld` without a call."""

    def __init__(self, inner: Caller[Q, A], breaker: RateBreaker, alarm: AccountAlarm) -> None:
        self._inner = inner
        self._breaker = breaker
        self._alarm = alarm

    async def send(self, request: Q) -> A:
        probe = self._breaker.hold.enter()
        try:
            return cast(A, await self._breaker.call_async(self._call, request, probe))
        finally:
            self._breaker.hold.leave(probe=probe)

    async def _call(self, request: Q, probe: bool) -> A:
        try:
            answer = await self._inner.send(request)
        except Exception as error:
            self._breaker.hold.note_failed(error)
            self._alarm.note(error)
            raise
        self._breaker.hold.note_accepted(probe=probe)
        return answer


class StillDue(Sender[M], Generic[M]):
    """Raises `TooLate` after the end of the message's claim, and `AlreadyReported` if a vendor has the message."""

    def __init__(self, inner: Sender[M], clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    async def send(self, message: M) -> Accepted:
        if message.until is not None and self._clock.now() >= message.until:  # the process may have been suspended
            raise TooLate("the claim or the message expired before the call")
        if message.still_claimed is not None and not await message.still_claimed():
            raise AlreadyReported("a vendor has the message")
        return await self._inner.send(message)
