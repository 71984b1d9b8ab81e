"""Tables of messaging: inbox, relays, dead letters, replays, projections."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy.dialects import mysql

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Blob, Id, Json, UtcDateTime

inbox = table(
    "inbox",
    Column("consumer", String(64)),
    Column("message_id", Id),
    Column("at", UtcDateTime, nullable=False),
    # NULL in rows that earlier releases wrote.
    Column("fingerprint", LargeBinary(16).with_variant(mysql.BINARY(16), "mysql")),
    PrimaryKeyConstraint("consumer", "message_id", name="pk_inbox"),
    Index("ix_inbox_at", "at"),
)

projections = table(
    "projections",
    Column("name", String(64), primary_key=True),
    Column("live", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
    # While this is in the future, a rebuild of the newest generation holds its lease.
    Column("until", UtcDateTime),
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
    # Covering, so that counts read no dead letter.
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
