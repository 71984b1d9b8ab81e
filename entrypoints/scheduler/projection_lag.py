"""The metric of how far the projections are behind the event log."""

from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import REGISTRY, Gauge

from core.inventory.views import ProjectionProgress
from core.kernel.clock import Clock

# Registered with the first measurement: a process without a scheduler would export zeros.
PROJECTION_LAG_SECONDS = Gauge(
    "bursar_projection_lag_seconds",
    "How long ago the oldest event happened that a projection does not know of",
    ["projection"],
    registry=None,
    multiprocess_mode="livemax",
)


async def measure_projection_lag(projection_progress: ProjectionProgress, clock: Clock) -> Mapping[str, int]:
    """Set the gauge to the age of the oldest event that is not projected; return no counts, so nothing is logged."""
    oldest = await projection_progress.oldest_unprojected_at()
    PROJECTION_LAG_SECONDS.labels("inventory").set(max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0)
    with suppress(ValueError):  # it is registered already
        REGISTRY.register(PROJECTION_LAG_SECONDS)
    return {}
