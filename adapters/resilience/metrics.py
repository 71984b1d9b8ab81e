"""What vendors did, for Prometheus."""

from prometheus_client import Counter, Gauge

LABELS = ("channel", "vendor")
CALLS = Counter("bursar_vendor_calls", "Calls of vendors", [*LABELS, "outcome"])
RETRIES = Counter("bursar_vendor_retries", "Calls that were repetitions, out of the retry budget", LABELS)
BREAKER_STATE = Gauge(
    "bursar_vendor_breaker", "0 closed, 1 half-open, 2 open: nobody is asked", LABELS, multiprocess_mode="livemax"
)
IN_FLIGHT_DELIVERIES = Gauge(
    "bursar_vendor_under_way", "Deliveries in hand for a vendor", LABELS, multiprocess_mode="livesum"
)
