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
from adapters.resilience.metrics import RETRIES
from adapters.resilience.observed import Observed
from adapters.resilience.policy import Policy
from adapters.resilience.retrying import Retrying, Sleep
from adapters.resilience.vendor import Vendor
from adapters.resilience.window import Now
from core.notifications.delivery import Channel
from core.notifications.journal import Journal
from core.notifications.ports import Outlet, Sender
from core.shared.clock import Clock


def resilient(
    channel: Channel,
    names: Sequence[str],
    vendor: Callable[[str], Sender[M]],
    policy: Policy,
    clock: Clock,
    journal: Journal,
    *,
    now: Now = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Outlet[M]:
    """Stand the named vendors behind one outlet, the first being asked first; each has its own limits."""

    def guarded(name: str) -> Vendor[M]:
        breaker, budget = RateBreaker(name, policy, now), RetryBudget(policy, now, RETRIES.labels(channel, name))
        timely = Deadline(vendor(name), name, policy.deadline_seconds)
        # Outside the deadline, to tell it from a shutdown.
        observed = Observed(timely, channel, name, clock, journal, budget)
        retrying = Retrying(Breaking(observed, breaker, clock), policy, budget, sleep)
        # Outside the retries, for a message that waits for its next try is in hand as well.
        return Vendor(channel, name, Bulkhead(retrying, policy, breaker), breaker, clock)

    return Failover([guarded(name) for name in names])
