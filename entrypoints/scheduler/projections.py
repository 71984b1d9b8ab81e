"""How far what people look at is behind what is stored, for those who watch."""

from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import REGISTRY, Gauge

from core.inventory.views import Seen
from core.shared.clock import Clock

# Not registered before somebody has looked: a process without a scheduler would tell nothing but zeros.
LAG = Gauge(
    "bursar_projection_lag_seconds",
    "How long ago the oldest event happened that a projection does not know of",
    ["projection"],
    registry=None,
    multiprocess_mode="livemax",
)
LOOKING = 30.0
"""Seconds between looks."""


async def tell_lag(seen: Seen, clock: Clock) -> Mapping[str, int]:
    """Set the gauge; that is nothing worth a line in the log.  It grows while nobody feeds the projection."""
    oldest = await seen.oldest_missing()
    LAG.labels("inventory").set(max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0)
    with suppress(ValueError):  # it can be read already
        REGISTRY.register(LAG)
    return {}
