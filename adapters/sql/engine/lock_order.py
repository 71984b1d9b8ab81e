"""The order in which a unit of work writes its buffered rows: one order for all transactions prevents deadlocks.

`requests` leads, so that a repeated request stops at its idempotency key before it writes anything else.
"""

LOCK_ORDER = (
    "requests",
    "inbox",
    "accounts",
    "api_keys",
    "credential_revision",
    "students",
    "passwords",
    "sessions",
    "signing_keys",
    "identity_links",
    "pending_sign_ins",
    "fee_schedules",
    "submissions",
    "skus",
    "batches",
    "order_lines",
    "allocations",
    "projections",
    "line_views",
    "batch_views",
    "sku_views",
    "event_log",
    "outbox",
    "relay_leases",
    "relays",
    "blocked_aggregates",
    "publications",
    "deliveries",
    "delivery_attempts",
    "delivery_findings",
    "vendor_standings",
    "dead_letters",
    "replays",
    "heartbeat",
)
"""Every table; rows of a missing table are refused."""
