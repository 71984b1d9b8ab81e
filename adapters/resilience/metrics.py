"""The Prometheus metrics of vendors."""

from prometheus_client import Counter, Gauge

LABELS = ("channel", "vendor")
CALLS = Counter("bursar_vendor_calls", "Calls of vendors", [*LABELS, "outcome"])
RETRIES = Counter("bursar_vendor_retries", "Retries, taken from the retry budget", LABELS)
ACCOUNT_FAULTS = Counter(
    "bursar_vendor_account_faults", "Refusals of our account, sender or path; the messages wait for a repair", LABELS
)
HELD = Gauge(
    "bursar_vendor_held", "1 while messages are held back after such a refusal or a Retry-After", LABELS,
    multiprocess_mode="livemax",
)  # fmt: skip
BREAKER_STATE = Gauge(
    "bursar_vendor_breaker", "0 closed, 1 half-open, 2 open: no calls", LABELS, multiprocess_mode="livemax"
)
IN_FLIGHT_DELIVERIES = Gauge(
    "bursar_vendor_under_way", "Deliveries in flight at a vendor", LABELS, multiprocess_mode="livesum"
)
