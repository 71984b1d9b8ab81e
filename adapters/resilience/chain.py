"""The order in which trouble is met."""

import asyncio
import time
from collections.abc import Callable, Sequence

from adapters.resilience.breaker import RateBreaker
from adapters.resilience.breaking import Breaking
from adapters.resilience.budget import RetryBudget
from adapters.resilience.bulkhead import Bulkhead
from adapters.resilience.deadline import Deadline
from adapters.resilience.failover import Failover
from adapters.resilience.messages import M
from adapters.resilience.observed import Observed
from adapters.resilience.policy import Policy
from adapters.resilience.retrying import Retrying, Sleep
from adapters.resilience.window import Now
from core.notifications.journal import Journal
from core.notifications.ports import Sender
from core.shared.clock import Clock


def resilient(
    names: Sequence[str],
    vendor: Callable[[str], Sender[M]],
    policy: Policy,
    clock: Clock,
    journal: Journal,
    *,
    now: Now = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Sender[M]:
    """Stand the named vendors behind one sender, the first being asked first; each has its own limits."""

    def guarded(name: str) -> Sender[M]:
        timely = Deadline(vendor(name), name, policy.deadline_seconds)
        observed = Observed(timely, name, clock, journal)  # outside the deadline, to tell it from a shutdown
        breaking = Breaking(observed, RateBreaker(name, policy, now))
        # Outside the breaker, for those who queued before it opened must not ask afterwards.
        bounded = Bulkhead(breaking, policy.concurrency)
        return Retrying(bounded, policy, RetryBudget(policy, now), sleep)

    return Failover([guarded(name) for name in names])
