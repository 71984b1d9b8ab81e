"""Assembles the resilience chain of a channel."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from adapters.resilience.calls import M
from adapters.resilience.circuit_breaking import StillDue
from adapters.resilience.failover import Failover
from adapters.resilience.journaling import Journaling
from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.retrying import Sleep
from adapters.resilience.sliding_window import MonotonicClock
from adapters.resilience.vendor import GuardedVendor, guarded
from core.kernel.clock import Clock
from core.notifications.attempt_log import AttemptLog
from core.notifications.delivery import Channel
from core.notifications.messages import Accepted
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

    def limited(name: str) -> GuardedVendor[M, Accepted]:
        return guarded(
            channel,
            name,
            vendor(name),
            own_policies.get(name, policy),
            now,
            sleep,
            recorded=lambda inner: Journaling(inner, name, clock, attempt_log),
            checked=lambda inner: StillDue(inner, clock),
        )

    return Failover(channel, [limited(name) for name in names], clock)
