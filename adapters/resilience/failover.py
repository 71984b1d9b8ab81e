"""Sends through the first available vendor of a channel."""

from collections.abc import Sequence
from typing import Generic

from adapters.resilience.messages import M
from adapters.resilience.vendor import GuardedVendor
from core.kernel.errors import Unavailable
from core.kernel.vendor_errors import VendorUnavailable
from core.notifications.errors import RecipientNotAllowed, TooLate
from core.notifications.messages import Accepted
from core.notifications.ports import VendorChannel
from core.notifications.vendor_standing import VendorStanding


class Failover(VendorChannel[M], Generic[M]):
    """Tries the next vendor when one is unavailable or refuses our account, never when a message may have been sent."""

    def __init__(self, vendors: Sequence[GuardedVendor[M]]) -> None:
        if not vendors:
            raise ValueError("a channel needs at least one vendor")
        self._vendors = vendors

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
        return [vendor.standing() for vendor in self._vendors]


def earliest_retry_after(refusals: Sequence[Unavailable]) -> float | None:
    """Return the shortest wait, None if a vendor named none: it may be available sooner."""
    waits = [refusal.retry_after for refusal in refusals if refusal.retry_after is not None]
    return min(waits) if len(waits) == len(refusals) else None
