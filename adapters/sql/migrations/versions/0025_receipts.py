"""Create receipts and their counters."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "receipt_counters",
        sa.Column("series", sa.String(length=8), nullable=False),
        sa.Column("year", sa.String(length=7), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name="pk_receipt_counters"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_table(
        "receipts",
        sa.Column("series", sa.String(length=8), nullable=False),
        sa.Column("year", sa.String(length=7), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payment_id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("student_id", Id(), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=80), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("code", sa.String(length=22), nullable=False),
        sa.PrimaryKeyConstraint("series", "year", "number", name="pk_receipts"),
        sa.UniqueConstraint("payment_id", name="uq_receipts_payment"),
        sa.UniqueConstraint("code", name="uq_receipts_code"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_receipts_submission", "receipts", ["submission_id"])
    op.create_index("ix_receipts_student", "receipts", ["student_id"])
    op.create_table(
        "receipt_voids",
        sa.Column("payment_id", Id(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_receipt_voids"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )


def downgrade() -> None:
    for table in ("receipt_voids", "receipts", "receipt_counters"):
        op.drop_table(table)
