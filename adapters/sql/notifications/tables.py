"""Tables of the notifications context."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json, UtcDateTime

deliveries = table(
    "deliveries",
    Column("id", Id, primary_key=True),
    Column("notice_id", Id, nullable=False),
    Column("about_id", Id, nullable=False),
    # The recipient, student or staff; a new name would make processes of the previous version fail to store it.
    Column("student_id", Id, nullable=False),
    Column("channel", String(8), nullable=False),
    Column("template", String(64), nullable=False),
    Column("facts", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("traceparent", String(64), nullable=False, server_default=""),
    Column("in_doubt_since", UtcDateTime),
    # No expiry in the rows of earlier versions.
    Column("expires_at", UtcDateTime),
    UniqueConstraint("notice_id", "channel", name="uq_deliveries_notice_channel"),
    Index("ix_deliveries_about", "about_id"),
    Index("ix_deliveries_due", "state", "channel", "due_at"),
    Index("ix_deliveries_expiry", "state", "expires_at"),
)

delivery_attempts = table(
    "delivery_attempts",
    Column("delivery_id", Id),
    Column("number", Integer, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("vendor", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("detail", String(500), nullable=False),
    PrimaryKeyConstraint("delivery_id", "at", "number", name="pk_delivery_attempts"),
)

delivery_findings = table(
    "delivery_findings",
    Column("delivery_id", Id),
    Column("id", Id),
    Column("at", UtcDateTime, nullable=False),
    Column("learnt", String(16), nullable=False),
    Column("vendor", String(32), nullable=False),
    Column("vendor_id", String(100), nullable=False),
    Column("detail", String(500), nullable=False),
    PrimaryKeyConstraint("delivery_id", "id", name="pk_delivery_findings"),
)

vendor_standings = table(
    "vendor_standings",
    Column("process", String(64)),
    Column("channel", String(8)),
    Column("vendor", String(32)),
    Column("breaker", String(16), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("failure_percent", Integer, nullable=False),
    Column("under_way", Integer, nullable=False),
    Column("rests_until", UtcDateTime),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(500), nullable=False, server_default=""),
    PrimaryKeyConstraint("process", "channel", "vendor", name="pk_vendor_reports"),
)
