"""Blocks calls to a vendor that fails, or holds our messages back."""

from typing import Generic, cast

from adapters.resilience.account_alarm import AccountAlarm
from adapters.resilience.breaker import RateBreaker
from adapters.resilience.messages import M
from core.kernel.clock import Clock
from core.notifications.errors import AlreadyReported, TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class CircuitBreaking(Sender[M], Generic[M]):
    """Raises `BreakerOpen` or `VendorHeld` without a call, and `TooLate` after the end of the message's claim."""

    def __init__(self, inner: Sender[M], breaker: RateBreaker, alarm: AccountAlarm, clock: Clock) -> None:
        self._inner = inner
        self._breaker = breaker
        self._alarm = alarm
        self._clock = clock

    async def send(self, message: M) -> Accepted:
        if message.until is not None and self._clock.now() >= message.until:  # the process may have been suspended
            raise TooLate("the claim or the message expired before the call")
        if message.still_claimed is not None and not await message.still_claimed():
            raise AlreadyReported("a vendor has the message")
        probe = self._breaker.hold.enter()
        try:
            return cast(Accepted, await self._breaker.call_async(self._call, message, probe))
        finally:
            self._breaker.hold.leave(probe=probe)

    async def _call(self, message: M, probe: bool) -> Accepted:
        try:
            accepted = await self._inner.send(message)
        except Exception as error:
            self._breaker.hold.note_failed(error)
            self._alarm.note(error)
            raise
        self._breaker.hold.note_accepted(probe=probe)
        return accepted
