"""Sends through the first available vendor of a channel."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Generic

from adapters.resilience.calls import M
from adapters.resilience.vendor import GuardedVendor
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.vendor_errors import VendorUnavailable
from core.notifications.delivery import Channel
from core.notifications.errors import RecipientNotAllowed, TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import VendorChannel
from core.notifications.vendor_standing import VendorStanding


class Failover(VendorChannel[M], Generic[M]):
    """Tries the next vendor when one is unavailable or refuses our account, never when a message may have been sent."""

    def __init__(self, channel: Channel, vendors: Sequence[GuardedVendor[M, Accepted]], clock: Clock) -> None:
        if not vendors:
            raise ValueError("a channel needs at least one vendor")
        self._channel, self._vendors, self._clock = channel, vendors, clock

    async def send(self, message: M) -> Accepted:
        refusals: list[VendorUnavailable | RecipientNotAllowed] = []
        for vendor in self._vendors:
            try:
                return await vendor.sender.send(message)
            except TooLate:
                raise
            except (VendorUnavailable, RecipientNotAllowed) as error:
                refusals.append(error)
        not_allowed = all(isinstance(refusal, RecipientNotAllowed) for refusal in refusals)
        kind = RecipientNotAllowed if not_allowed else VendorUnavailable
        raise kind("; ".join(map(str, refusals)), retry_after=earliest_retry_after(refusals)) from refusals[0]

    def capacity(self) -> int:
        free = 0
        for vendor in self._vendors:
            free += vendor.sender.capacity
            if vendor.breaker.closed:  # it gets every message; later vendors get none
                break
        return free

    def cooldown_seconds(self) -> float:
        return min(vendor.breaker.rest_seconds for vendor in self._vendors)

    def standings(self) -> Sequence[VendorStanding]:
        at = self._clock.now()
        return [self._standing(vendor, at) for vendor in self._vendors]

    def _standing(self, vendor: GuardedVendor[M, Accepted], at: datetime) -> VendorStanding:
        rest = vendor.breaker.rest_seconds
        return VendorStanding(
            channel=self._channel,
            vendor=vendor.name,
            breaker=vendor.breaker_state,
            calls=len(vendor.breaker.rate.calls),
            failure_percent=vendor.breaker.rate.percent,
            under_way=vendor.sender.under_way,
            rests_until=at + timedelta(seconds=rest) if rest else None,
            reason=vendor.breaker.hold.reason or vendor.alarm.reason,
            at=at,
        )


def earliest_retry_after(refusals: Sequence[Unavailable]) -> float | None:
    """Return the shortest wait, None if a vendor named none: it may be available sooner."""
    waits = [refusal.retry_after for refusal in refusals if refusal.retry_after is not None]
    return min(waits) if len(waits) == len(refusals) else None
