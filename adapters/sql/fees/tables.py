"""Tables of the fees context."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json, UtcDateTime

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
    natural_key=("student_id", "schedule"),
)

repricings = table(
    "repricings",
    Column("id", Id, primary_key=True),
    Column("schedule", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_by", String(128), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("why", String(500), nullable=False),
    Column("after", Id),
    Column("total", Integer, nullable=False),
    Column("figures", Json, nullable=False),
    Column("unpriced", Json, nullable=False),
    UniqueConstraint("schedule", "version", name="uq_repricings_schedule_version"),
    Index("ix_repricings_state", "state"),
)
