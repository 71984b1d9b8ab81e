"""One vendor with its limits, its metrics and its standing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from adapters.resilience.account_alarm import AccountAlarm
from adapters.resilience.breaker import RateBreaker
from adapters.resilience.bulkhead import Bulkhead
from adapters.resilience.messages import M
from adapters.resilience.metrics import BREAKER_STATE, HELD, IN_FLIGHT_DELIVERIES
from core.kernel.clock import Clock
from core.notifications.delivery import Channel
from core.notifications.vendor_standing import Breaker, VendorStanding

STATES = (Breaker.CLOSED, Breaker.HALF_OPEN, Breaker.OPEN)
"""A state's position is its value in the metric."""


@dataclass(frozen=True, slots=True)
class GuardedVendor(Generic[M]):
    """A named sender behind its bulkhead and breaker."""

    channel: Channel
    name: str
    sender: Bulkhead[M]
    breaker: RateBreaker
    alarm: AccountAlarm
    clock: Clock

    def __post_init__(self) -> None:
        BREAKER_STATE.labels(self.channel, self.name).set_function(lambda: STATES.index(self._state))
        HELD.labels(self.channel, self.name).set_function(lambda: self.breaker.hold.active)
        IN_FLIGHT_DELIVERIES.labels(self.channel, self.name).set_function(lambda: self.sender.under_way)

    def standing(self) -> VendorStanding:
        """Return the standing of the vendor in this process."""
        rest, at = self.breaker.rest_seconds, self.clock.now()
        return VendorStanding(
            channel=self.channel,
            vendor=self.name,
            breaker=self._state,
            calls=len(self.breaker.rate.calls),
            failure_percent=self.breaker.rate.percent,
            under_way=self.sender.under_way,
            rests_until=at + timedelta(seconds=rest) if rest else None,
            reason=self.breaker.hold.reason or self.alarm.reason,
            at=at,
        )

    @property
    def _state(self) -> Breaker:
        return Breaker(self.breaker.current_state.name.lower().replace("_", "-"))
