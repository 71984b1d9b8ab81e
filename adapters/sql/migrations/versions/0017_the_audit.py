"""Create the audit records and their seals, and let an event know its actor."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Id, Json, UtcDateTime

revision: str = "0017"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_0900_bin"}


def upgrade() -> None:
    op.create_table(
        "audit_records",
        sa.Column("id", Id(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("account", Id()),
        sa.Column("session", Id()),
        sa.Column("address", sa.String(128), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(320), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **TEXT,
    )
    op.create_index("ix_audit_records_at", "audit_records", ["at", "id"])
    op.create_index("ix_audit_records_actor", "audit_records", ["actor", "at", "id"])
    op.create_index("ix_audit_records_target", "audit_records", ["target", "at", "id"])
    op.create_table(
        "audit_unsealed", sa.Column("record_id", Id(), nullable=False), sa.PrimaryKeyConstraint("record_id"), **TEXT
    )
    op.create_table(
        "audit_seals",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", Id(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql"), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("record_id", name="uq_audit_seals_record_id"),
        **TEXT,
    )
    op.add_column("event_log", sa.Column("actor", sa.String(128), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("event_log", "actor")
    op.drop_table("audit_seals")
    op.drop_table("audit_unsealed")
    op.drop_table("audit_records")
