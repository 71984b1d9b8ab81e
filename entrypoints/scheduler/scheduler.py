"""The periodic jobs of a scheduler process."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from core.inventory.views import ProjectionProgress
from core.kernel.clock import Clock
from core.use_cases import UseCases
from entrypoints.periodic import run_every
from entrypoints.scheduler.projection_lag import LAG_SAMPLING_INTERVAL_SECONDS, measure_projection_lag

RETENTION_INTERVAL_SECONDS = 600.0
HOLD_EXPIRY_INTERVAL_SECONDS = 20.0
BACKORDER_INTERVAL_SECONDS = 20.0
RECONCILIATION_INTERVAL_SECONDS = 30.0
AUDIT_SEALING_INTERVAL_SECONDS = 15.0
"""A record is sealed, and its head published, within a minute even if two runs fail."""


def scheduler(
    use_cases: UseCases, progress: ProjectionProgress, clock: Clock, stop: asyncio.Event
) -> list[Awaitable[None]]:
    """Return one loop for each job."""
    lag = partial(measure_projection_lag, progress, clock)
    return [
        run_every(RETENTION_INTERVAL_SECONDS, "old_records_purged", use_cases.messaging.purge_expired_records, stop),
        run_every(HOLD_EXPIRY_INTERVAL_SECONDS, "holds_expired", use_cases.inventory.expire_holds, stop),
        run_every(BACKORDER_INTERVAL_SECONDS, "backorders_served", use_cases.inventory.serve_backorders, stop),
        run_every(
            RECONCILIATION_INTERVAL_SECONDS, "deliveries_reconciled", use_cases.dispatch.reconcile_deliveries, stop
        ),
        run_every(AUDIT_SEALING_INTERVAL_SECONDS, "audit_records_sealed", use_cases.audit.seal_audit_records, stop),
        run_every(LAG_SAMPLING_INTERVAL_SECONDS, "projection_lag_measured", lag, stop),
    ]
