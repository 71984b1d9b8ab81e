"""One vendor with its limits and its metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from adapters.resilience.account_alarm import AccountAlarm
from adapters.resilience.breaker import RateBreaker
from adapters.resilience.budget import RetryBudget
from adapters.resilience.bulkhead import Bulkhead
from adapters.resilience.calls import A, Caller, Q
from adapters.resilience.circuit_breaking import CircuitBreaking
from adapters.resilience.deadline import Deadline
from adapters.resilience.journaling import Counting
from adapters.resilience.metrics import BREAKER_STATE, HELD, IN_FLIGHT_DELIVERIES, RETRIES
from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.retrying import Retrying, Sleep
from adapters.resilience.sliding_window import MonotonicClock
from core.notifications.vendor_standing import Breaker

STATES = (Breaker.CLOSED, Breaker.HALF_OPEN, Breaker.OPEN)
"""A state's position is its value in the metric."""


@dataclass(frozen=True, slots=True)
class GuardedVendor(Generic[Q, A]):
    """A named vendor behind its bulkhead and breaker."""

    channel: str
    """Of messages, or `payments`."""
    name: str
    sender: Bulkhead[Q, A]
    breaker: RateBreaker
    alarm: AccountAlarm

    def __post_init__(self) -> None:
        BREAKER_STATE.labels(self.channel, self.name).set_function(lambda: STATES.index(self.breaker_state))
        HELD.labels(self.channel, self.name).set_function(lambda: self.breaker.hold.active)
        IN_FLIGHT_DELIVERIES.labels(self.channel, self.name).set_function(lambda: self.sender.under_way)

    @property
    def breaker_state(self) -> Breaker:
        """The state of the circuit breaker."""
        return Breaker(self.breaker.current_state.name.lower().replace("_", "-"))


def unchanged(inner: Caller[Q, A]) -> Caller[Q, A]:
    """Add nothing to the chain."""
    return inner


def guarded(
    channel: str,
    name: str,
    vendor: Caller[Q, A],
    limits: ResiliencePolicy,
    now: MonotonicClock,
    sleep: Sleep,
    *,
    recorded: Callable[[Caller[Q, A]], Caller[Q, A]] = unchanged,
    checked: Callable[[Caller[Q, A]], Caller[Q, A]] = unchanged,
) -> GuardedVendor[Q, A]:
    """Return a vendor behind the chain; `recorded` wraps each call, and `checked` what precedes the breaker."""
    alarm = AccountAlarm(channel, name, now)
    breaker, budget = RateBreaker(name, limits, now), RetryBudget(limits, now, RETRIES.labels(channel, name))
    timely = Deadline(vendor, name, limits.deadline_seconds)
    # Outside the deadline, to tell a timeout from a shutdown.
    observed = recorded(Counting(timely, channel, name, budget))
    retrying = Retrying(checked(CircuitBreaking(observed, breaker, alarm)), limits, budget, sleep)
    # Outside the retries: a call that waits for its next attempt is in flight.
    return GuardedVendor(channel, name, Bulkhead(retrying, limits, breaker), breaker, alarm)
