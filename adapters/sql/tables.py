"""The schema, as SQLAlchemy Core tables.

The order of the tables is the order in which a unit of work writes them: one order for all keeps deadlocks away.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    insert,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import mysql

from adapters.sql.types import Blob, Id, Json, Position, UtcDateTime

metadata = MetaData()
MAX_REGISTRATION_LENGTH = 32


def table(name: str, *parts: Any) -> SqlTable:
    """Declare a table; text compares byte by byte, on MySQL as on SQLite."""
    return SqlTable(name, metadata, *parts, mysql_charset="utf8mb4", mysql_collate="utf8mb4_0900_bin")


requests = table(
    "requests",
    Column("scope", String(100)),
    Column("idempotency_key", String(255)),
    Column("fingerprint", LargeBinary(32).with_variant(mysql.BINARY(32), "mysql"), nullable=False),
    Column("answer", Blob, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("scope", "idempotency_key", name="pk_requests"),
    Index("ix_requests_at", "at"),
)

inbox = table(
    "inbox",
    Column("consumer", String(64)),
    Column("message_id", Id),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("consumer", "message_id", name="pk_inbox"),
    Index("ix_inbox_at", "at"),
)

students = table(
    "students",
    Column("id", Id, primary_key=True),
    Column("registration", String(MAX_REGISTRATION_LENGTH), nullable=False),
    Column("name", String(120), nullable=False),
    Column("category", String(32), nullable=False),
    Column("country", String(2), nullable=False),
    Column("centre", String(16), nullable=False),
    Column("certificates", Json, nullable=False),
    Column("email", String(254), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("language", String(2), nullable=False),
    UniqueConstraint("registration", name="uq_students_registration"),
)

fee_schedules = table(
    "fee_schedules",
    Column("code", String(32)),
    Column("version", Integer, autoincrement=False),
    Column("document", Json, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("code", "version", name="pk_fee_schedules"),
)

submissions = table(
    "submissions",
    Column("id", Id, primary_key=True),
    Column("reference", String(20), nullable=False),
    Column("student_id", Id, nullable=False),
    Column("schedule", String(32), nullable=False),
    Column("schedule_version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("document", Json, nullable=False),
    UniqueConstraint("student_id", "schedule", name="uq_submissions_student_schedule"),
    UniqueConstraint("reference", name="uq_submissions_reference"),
    CheckConstraint("total_minor >= 0", name="ck_submissions_total"),
)

skus = table(
    "skus",
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("short", Boolean, nullable=False),
    Column("unserved", Boolean, nullable=False),
    UniqueConstraint("name", name="uq_skus_name"),
    Index("ix_skus_unserved", "unserved", "name"),
)

batches = table(
    "batches",
    Column("reference", String(64)),
    Column("sku_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("purchased", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("shipped", Integer, nullable=False),
    Column("eta", Date),
    PrimaryKeyConstraint("reference", name="pk_batches"),
    Index("ix_batches_sku", "sku_id", "available"),
    CheckConstraint(
        "available >= 0 AND shipped >= 0 AND available + shipped <= purchased", name="ck_batches_conserved"
    ),
)

order_lines = table(
    "order_lines",
    Column("order_id", String(64)),
    Column("sku_id", Id),
    Column("quantity", Integer, nullable=False),
    Column("split", Boolean, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("hold_until", UtcDateTime),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("explanation", Json, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("order_id", "sku_id", name="pk_order_lines"),
    # The quantity, so that whoever needs too much is passed over without reading the line.
    Index("ix_order_lines_queue", "sku_id", "state", "place", "quantity", "split"),
    Index("ix_order_lines_hold_until", "hold_until"),
)

allocations = table(
    "allocations",
    Column("batch", String(64)),
    Column("order_id", String(64)),
    Column("sku_id", Id, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("place", Integer, nullable=False),
    PrimaryKeyConstraint("batch", "order_id", name="pk_allocations"),
    Index("ix_allocations_latest", "batch", "state", "priority", "place"),
)

projections = table(
    "projections",
    Column("name", String(64), primary_key=True),
    Column("live", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
    # As long as this is ahead, the newest generation is being built.
    Column("until", UtcDateTime),
)

line_views = table(
    "line_views",
    Column("generation", Integer, autoincrement=False),
    Column("order_id", String(64)),
    Column("sku", String(64)),
    Column("document", Json, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "order_id", "sku", name="pk_line_views"),
)

batch_views = table(
    "batch_views",
    Column("generation", Integer, autoincrement=False),
    Column("reference", String(64)),
    Column("sku", String(64), nullable=False),
    Column("purchased", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("shipped", Integer, nullable=False),
    Column("eta", Date),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "reference", name="pk_batch_views"),
    Index("ix_batch_views_sku", "generation", "sku"),
)

sku_views = table(
    "sku_views",
    Column("generation", Integer, autoincrement=False),
    Column("sku", String(64)),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "sku", name="pk_sku_views"),
)

event_log = table(
    "event_log",
    Column("event_id", Id, primary_key=True),
    Column("context", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("aggregate_id", Id, nullable=False),
    Column("aggregate_version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", Json, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("traceparent", String(64), nullable=False),
    UniqueConstraint("aggregate_id", "aggregate_version", name="uq_event_log_aggregate_version"),
    Index("ix_event_log_at", "at", "event_id", "type"),
    Index("ix_event_log_context", "context", "event_id"),
)

outbox = table(
    "outbox",
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("event_id", Id, nullable=False),
    Column("shard", SmallInteger, nullable=False),
)

relay_leases = table(
    "relay_leases",
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

relays = table(
    "relays",
    Column("holder", String(64), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)

blocked_aggregates = table(
    "blocked_aggregates",
    Column("aggregate_id", Id, primary_key=True),
    Column("event_id", Id, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("reason", String(500), nullable=False),
)

publications = table(
    "publications",
    Column("event_id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

deliveries = table(
    "deliveries",
    Column("id", Id, primary_key=True),
    Column("notice_id", Id, nullable=False),
    Column("about_id", Id, nullable=False),
    # The recipient, student or not: renamed, processes of the version before would bury what they cannot store.
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
    UniqueConstraint("notice_id", "channel", name="uq_deliveries_notice_channel"),
    Index("ix_deliveries_about", "about_id"),
    Index("ix_deliveries_due", "state", "channel", "due_at"),
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
    PrimaryKeyConstraint("process", "channel", "vendor", name="pk_vendor_reports"),
)

dead_letters = table(
    "dead_letters",
    Column("consumer", String(64)),
    Column("message_id", Id),
    Column("context", String(64), nullable=False),
    Column("type", String(255), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("origin", Json, nullable=False),
    Column("body", Blob, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("subject", Id, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("traceparent", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("handled_at", UtcDateTime),
    Column("handled_by", String(64), nullable=False),
    Column("why", String(500), nullable=False),
    Column("data_version", BigInteger, nullable=False, server_default="1"),
    PrimaryKeyConstraint("consumer", "message_id", name="pk_dead_letters"),
    # Whole, so that counting reads no letter.
    Index("ix_dead_letters_at", "consumer", "state", "at", "message_id", "context", "type", "reason"),
)

replays = table(
    "replays",
    Column("id", Id, primary_key=True),
    Column("consumer", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("type", String(64), nullable=False),
    Column("send", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(64), nullable=False),
    Column("why", String(500), nullable=False),
)


def insert_ignore(into: SqlTable) -> Insert:
    """Return an insert that leaves a row alone when it is there already."""
    return insert(into).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
