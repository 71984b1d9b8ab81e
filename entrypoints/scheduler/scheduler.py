"""The periodic jobs of a scheduler process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from core.inventory.views import ProjectionProgress
from core.kernel.clock import Clock
from core.kernel.signals import Signals
from core.messaging.consumer_lag import ConsumerLag
from core.messaging.outbox import Backlog
from core.notifications.delivery_figures import DeliveryFigures
from core.payments.order_figures import OrderFigures
from core.use_cases import UseCases
from entrypoints.periodic import run_every
from entrypoints.scheduler.backlog_metrics import measure_backlog
from entrypoints.scheduler.office_figures import (
    anchoring,
    measure_dead_letters,
    measure_deliveries,
    measure_lag,
    measuring_orders,
)
from entrypoints.scheduler.projection_lag import measure_projection_lag

RETENTION_INTERVAL_SECONDS = 600.0
HOLD_EXPIRY_INTERVAL_SECONDS = 20.0
BACKORDER_INTERVAL_SECONDS = 20.0
RECONCILIATION_INTERVAL_SECONDS = 30.0
POSTING_SUMS_INTERVAL_SECONDS, BUSY_INTERVAL_SECONDS = 5.0, 0.5
"""What is posted meanwhile is added up by every balance of its account."""
MANY_POSTINGS = 500
"""While so many are posted in an interval, the shorter one holds."""
GATEWAY_CHECK_INTERVAL_SECONDS = 5.0
FINE_INTERVAL_SECONDS = REMINDER_INTERVAL_SECONDS = 60.0
REPRICING_INTERVAL_SECONDS = 10.0
AUDIT_SEALING_INTERVAL_SECONDS = 15.0
"""A record is sealed, and its head published, within a minute even if two runs fail."""


FIGURES_INTERVAL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The read ports whose figures become metrics."""

    backlog: Backlog
    consumer_lag: ConsumerLag
    deliveries: DeliveryFigures
    orders: OrderFigures
    progress: ProjectionProgress

    def jobs(self, clock: Clock) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """Return the measurements by the names of their jobs: one that fails holds up no other."""
        return {
            "backlog_measured": partial(measure_backlog, self.backlog, clock),
            "dead_letters_measured": partial(measure_dead_letters, self.backlog),
            "deliveries_measured": partial(measure_deliveries, self.deliveries, clock),
            "orders_measured": measuring_orders(self.orders, clock),
            "consumer_lag_measured": partial(measure_lag, self.consumer_lag),
            "projection_lag_measured": partial(measure_projection_lag, self.progress, clock),
        }


def scheduler(use_cases: UseCases, figures: Figures, clock: Clock, stop: asyncio.Event) -> list[Awaitable[None]]:
    """Return one loop for each job."""
    seal = anchoring(use_cases.audit.seal_audit_records)
    return [
        run_every(RETENTION_INTERVAL_SECONDS, "old_records_purged", use_cases.messaging.purge_expired_records, stop),
        run_every(HOLD_EXPIRY_INTERVAL_SECONDS, "holds_expired", use_cases.inventory.expire_holds, stop),
        run_every(BACKORDER_INTERVAL_SECONDS, "backorders_served", use_cases.inventory.serve_backorders, stop),
        run_every(
            RECONCILIATION_INTERVAL_SECONDS, "deliveries_reconciled", use_cases.dispatch.reconcile_deliveries, stop
        ),
        run_every(
            POSTING_SUMS_INTERVAL_SECONDS,
            "postings_added_up",
            partial(while_busy, use_cases.ledger.add_up_postings, MANY_POSTINGS, stop),
            stop,
        ),
        run_every(GATEWAY_CHECK_INTERVAL_SECONDS, "gateways_checked", use_cases.payments.check_gateways, stop),
        run_every(REMINDER_INTERVAL_SECONDS, "payers_reminded", use_cases.payments.remind_payers, stop),
        run_every(FINE_INTERVAL_SECONDS, "overdue_fees_fined", use_cases.payments.fine_overdue_fees, stop),
        run_every(
            REPRICING_INTERVAL_SECONDS,
            "submissions_repriced",
            partial(while_busy, use_cases.fees.reprice_submissions, 1, stop),
            stop,
        ),
        run_every(AUDIT_SEALING_INTERVAL_SECONDS, "audit_records_sealed", seal, stop),
        *(run_every(FIGURES_INTERVAL_SECONDS, name, job, stop) for name, job in figures.jobs(clock).items()),
    ]


async def while_busy(job: Callable[[], Awaitable[int]], many: int, stop: asyncio.Event) -> int:
    """Run a job, and again soon while it has much to do; return how much it did."""
    done = some = await job()
    while some >= many and not stop.is_set():
        await Signals.wait(stop, BUSY_INTERVAL_SECONDS)
        some = await job()
        done += some
    return done
