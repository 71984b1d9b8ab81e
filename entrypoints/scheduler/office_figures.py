"""Metrics that need a query or the broker: one scheduler reads them at an interval, and no scrape does."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from prometheus_client import REGISTRY, Gauge

from core.kernel.clock import Clock
from core.messaging.consumer_lag import ConsumerLag
from core.messaging.outbox import MAX_COUNTED_LETTERS, Backlog
from core.notifications.delivery_figures import MAX_COUNTED_DELIVERIES, DeliveryFigures
from core.payments.order_figures import MAX_COUNTED_ORDERS, OrderFigures

DELIVERIES = Gauge(
    "bursar_deliveries",
    "Deliveries that wait for a vendor (pending), an outcome (unknown) or a person (undecided),"
    f" {MAX_COUNTED_DELIVERIES} at most",
    ["state", "channel"],
    multiprocess_mode="livemax",
)
OLDEST_DELIVERY_SECONDS = Gauge(
    "bursar_deliveries_oldest_seconds",
    "How long the oldest of them is due, or its outcome unknown",
    ["state", "channel"],
    multiprocess_mode="livemax",
)
ORDERS = Gauge(
    "bursar_payment_orders",
    f"Orders whose payers may still pay or be debited, {MAX_COUNTED_ORDERS} at most",
    ["gateway", "state"],
    multiprocess_mode="livemax",
)
OLDEST_ORDER_SECONDS = Gauge(
    "bursar_payment_orders_oldest_seconds",
    "How long ago the oldest of them was opened",
    ["gateway", "state"],
    multiprocess_mode="livemax",
)
LAG = Gauge(
    "bursar_consumer_lag_messages", "Messages of a topic that no consumer has taken", ["topic"],
    multiprocess_mode="livemax",
)  # fmt: skip
# Registered with the first measurement: a process that does not measure would export zeros.
DEAD_LETTERS = Gauge(
    "bursar_dead_letters", f"Dead letters that wait for a decision, {MAX_COUNTED_LETTERS} at most",
    registry=None, multiprocess_mode="livemax",
)  # fmt: skip


async def measure_deliveries(figures: DeliveryFigures, clock: Clock) -> None:
    """Set the gauges of waiting deliveries."""
    for each in await figures.waiting():
        age = (clock.now() - each.oldest).total_seconds() if each.oldest else 0.0
        DELIVERIES.labels(each.state, each.channel).set(each.count)
        OLDEST_DELIVERY_SECONDS.labels(each.state, each.channel).set(max(0.0, age))


def measuring_orders(figures: OrderFigures, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Return the job that sets the gauges of orders; those of a gateway and state without any more become zero."""
    told = set[tuple[str, str]]()

    async def measure() -> None:
        found = {(each.gateway, str(each.state)): each for each in await figures.under_way()}
        told.update(found)
        for labels in told:
            each = found.get(labels)
            age = (clock.now() - each.oldest).total_seconds() if each and each.oldest else 0.0
            ORDERS.labels(*labels).set(each.count if each else 0)
            OLDEST_ORDER_SECONDS.labels(*labels).set(max(0.0, age))

    return measure


async def measure_dead_letters(backlog: Backlog) -> None:
    """Set the gauge of dead letters."""
    DEAD_LETTERS.set(await backlog.buried())
    export(DEAD_LETTERS)


async def measure_lag(lag: ConsumerLag) -> None:
    """Set the gauge of each topic."""
    for topic, messages in (await lag.by_topic()).items():
        LAG.labels(topic).set(messages)


def export(gauge: Gauge) -> None:
    """Register a gauge, once it was set."""
    with suppress(ValueError):  # it is registered already
        REGISTRY.register(gauge)
