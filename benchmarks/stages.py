"""The stages of a benchmark run, in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks import (
    audit_stages,
    disk_stages,
    encryption_stages,
    event_stages,
    http_stages,
    identity_stages,
    ledger_stages,
    payment_stages,
    rebuild_stages,
    receipt_stages,
    report_stages,
    settlement_stages,
    trace_stages,
    worker_stages,
)
from benchmarks import inventory_stages as store_stages
from benchmarks.environment import BenchmarkEnvironment, Figures


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage."""

    measure: Callable[[BenchmarkEnvironment, int], Figures]
    number: int
    """The size of the stage: usually its number of rows."""
    times: int = 3
    kafka: bool = False
    rabbitmq: bool = False


COMPANIONS = ("-at-depth", "-on-rabbitmq")
"""End the name of a stage that belongs to another, and runs with it."""
STAGES: Mapping[str, Stage] = {
    "submissions": Stage(http_stages.submissions, 240_000),
    "reading": Stage(http_stages.reading, 240_000),
    "workers": Stage(worker_stages.workers, 160_000),
    "embedded": Stage(http_stages.embedded, 120_000),
    "start": Stage(http_stages.start, 0),
    "relay": Stage(event_stages.relay, 50_000, kafka=True),
    "relay-on-rabbitmq": Stage(event_stages.relay, 50_000, rabbitmq=True),
    "consumer": Stage(event_stages.consumer, 20_000, kafka=True),
    "consumer-on-rabbitmq": Stage(event_stages.consumer, 20_000, rabbitmq=True),
    "dispatcher": Stage(event_stages.dispatcher, 10_000, kafka=True),
    "bulkhead": Stage(event_stages.bulkhead, 1_000, kafka=True),
    "traces": Stage(trace_stages.traces, 20_000, kafka=True),
    "latency": Stage(event_stages.latency, event_stages.COMMITS, kafka=True),
    "idle": Stage(event_stages.idle, 0, kafka=True),
    "backlog": Stage(event_stages.backlog, 1_000_000, times=1, kafka=True),
    "allocations": Stage(store_stages.allocations, 240_000),
    "hot-sku": Stage(store_stages.hot_sku, 20_000, kafka=True),
    "contention": Stage(store_stages.contention, store_stages.MEASUREMENT_MILLISECONDS),
    "identity": Stage(identity_stages.identity, 16_000),
    "large-bodies": Stage(identity_stages.large_bodies, 900),
    "audit": Stage(audit_stages.audit, 1_000_000, times=1),
    "payments": Stage(payment_stages.payments, 10_240),
    "payments-at-depth": Stage(ledger_stages.ledger, 10_000_000, times=1),
    "receipts": Stage(receipt_stages.receipts, 40_000),
    "settlements": Stage(settlement_stages.settlements, 1_000_000, times=1),
    "reports": Stage(report_stages.reports, 1_000_000, times=1),
    "rebuild": Stage(rebuild_stages.rebuild, 1_000_000, times=1),
    "rotation": Stage(encryption_stages.rotation, 1_000_000, times=1),
    "disk": Stage(disk_stages.disk, 50_000, times=1),
    "depth": Stage(http_stages.depth, 10_000_000, times=1),
}
