"""How far what people look at is behind what is stored, for those who watch."""

from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import REGISTRY, Gauge

from core.inventory.views import ProjectionProgress
from core.kernel.clock import Clock

# Not registered before somebody has looked: a process without a scheduler would tell nothing but zeros.
PROJECTION_LAG_SECONDS = Gauge(
    "bursar_projection_lag_seconds",
    "How long ago the oldest event happened that a projection does not know of",
    ["projection"],
    registry=None,
    multiprocess_mode="livemax",
)
LAG_SAMPLING_INTERVAL_SECONDS = 30.0
"""Seconds between looks."""


async def measure_projection_lag(projection_progress: ProjectionProgress, clock: Clock) -> Mapping[str, int]:
    """Set the gauge; that is nothing worth a line in the log.  It grows while nobody feeds the projection."""
    oldest = await projection_progress.oldest_unprojected_at()
    PROJECTION_LAG_SECONDS.labels("inventory").set(max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0)
    with suppress(ValueError):  # it can be read already
        REGISTRY.register(PROJECTION_LAG_SECONDS)
    return {}
