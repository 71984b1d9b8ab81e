"""Declares the tables that every unit of work writes, and the function that declares tables."""

from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    UniqueConstraint,
    insert,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Blob, Id, Json, Position, UtcDateTime

metadata = MetaData()
ENCRYPTED = "encrypted"
"""Key of `Table.info`: maps an encrypted column to the column that had its plain text before, if there is one."""
DIGESTS = "digests"
"""Key of `Table.info`: maps a column with a keyed digest to the encrypted column whose text it finds."""
NATURAL_KEY = "natural_key"
"""Key of `Table.info`: columns whose values clients choose, so that two rows can collide."""


def table(name: str, *parts: Any, **info: Any) -> SqlTable:
    """Declare a table; text compares byte by byte on MySQL and SQLite."""
    options: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_0900_bin", "info": info}
    return SqlTable(name, metadata, *parts, **options)


requests = table(
    "requests",
    Column("scope", String(100)),
    Column("idempotency_key", String(255)),
    Column("fingerprint", LargeBinary(32).with_variant(mysql.BINARY(32), "mysql"), nullable=False),
    Column("answer", Blob, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("scope", "idempotency_key", name="pk_requests"),
    Index("ix_requests_at", "at"),
    natural_key=("scope", "idempotency_key"),
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
    # The subject of the principal; empty in rows that earlier releases wrote.
    Column("actor", String(128), nullable=False, server_default=""),
    # What a rebuild needs beside the body; NULL in rows that earlier releases wrote, and where it needs nothing.
    Column("kept", Json),
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

column_encryption = table(
    "column_encryption",
    Column("table_name", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
)

audit_records = table(
    "audit_records",
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("account", Id),
    Column("session", Id),
    Column("address", String(128), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(320), nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("outcome", String(64), nullable=False),
    Index("ix_audit_records_at", "at", "id"),
    Index("ix_audit_records_actor", "actor", "at", "id"),
    Index("ix_audit_records_target", "target", "at", "id"),
)

# One row for each record without a seal: a record whose transaction commits late is found all the same.
audit_unsealed = table("audit_unsealed", Column("record_id", Id, primary_key=True))

heartbeat = table(
    "heartbeat",
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("padding", Blob, nullable=False),
)


def insert_ignore(into: SqlTable) -> Insert:
    """Return an insert that keeps an existing row."""
    return insert(into).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
