"""A sender with deputies."""

from collections.abc import Sequence
from typing import Generic

from adapters.resilience.messages import M
from core.notifications.errors import VendorUnavailable
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Failover(Sender[M], Generic[M]):
    """Ask the next vendor when one is unavailable, and never when the message may have been sent."""

    def __init__(self, senders: Sequence[Sender[M]]) -> None:
        if not senders:
            raise ValueError("a channel needs at least one vendor")
        self._senders = senders

    async def send(self, message: M) -> Accepted:
        refusals: list[VendorUnavailable] = []
        for sender in self._senders:
            try:
                return await sender.send(message)
            except VendorUnavailable as error:
                refusals.append(error)
        raise VendorUnavailable("; ".join(map(str, refusals)), retry_after=soonest(refusals)) from refusals[0]


def soonest(refusals: Sequence[VendorUnavailable]) -> float | None:
    """Return when the first of them may be ready; nothing if one of them did not say, for it may be ready sooner."""
    waits = [refusal.retry_after for refusal in refusals if refusal.retry_after is not None]
    return min(waits) if len(waits) == len(refusals) else None
