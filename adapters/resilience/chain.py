"""Assembles the resilience chain of a channel."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from adapters.resilience.account_alarm import AccountAlarm
from adapters.resilience.breaker import RateBreaker
from adapters.resilience.budget import RetryBudget
from adapters.resilience.bulkhead import Bulkhead
from adapters.resilience.circuit_breaking import CircuitBreaking
from adapters.resilience.deadline import Deadline
from adapters.resilience.failover import Failover
from adapters.resilience.journaling import Journaling
from adapters.resilience.messages import M
from adapters.resilience.metrics import RETRIES
from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.retrying import Retrying, Sleep
from adapters.resilience.sliding_window import MonotonicClock
from adapters.resilience.vendor import GuardedVendor
from core.kernel.clock import Clock
from core.notifications.attempt_log import AttemptLog
from core.notifications.delivery import Channel
from core.notifications.ports import Sender, VendorChannel


def resilient(
    channel: Channel,
    names: Sequence[str],
    vendor: Callable[[str], Sender[M]],
    policy: ResiliencePolicy,
    clock: Clock,
    attempt_log: AttemptLog,
    *,
    own_policies: Mapping[str, ResiliencePolicy] = MappingProxyType({}),
    now: MonotonicClock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> VendorChannel[M]:
    """Return a channel that tries the named vendors in order, each with the limits of `own_policies` or `policy`."""

    def guarded(name: str) -> GuardedVendor[M]:
        limits = own_policies.get(name, policy)
        alarm = AccountAlarm(channel, name, now)
        breaker, budget = RateBreaker(name, limits, now), RetryBudget(limits, now, RETRIES.labels(channel, name))
        timely = Deadline(vendor(name), name, limits.deadline_seconds)
        # Outside the deadline, to tell a timeout from a shutdown.
        observed = Journaling(timely, channel, name, clock, attempt_log, budget)
        retrying = Retrying(CircuitBreaking(observed, breaker, alarm, clock), limits, budget, sleep)
        # Outside the retries: a message that waits for its next attempt is in flight.
        return GuardedVendor(channel, name, Bulkhead(retrying, limits, breaker), breaker, alarm, clock)

    return Failover([guarded(name) for name in names])
