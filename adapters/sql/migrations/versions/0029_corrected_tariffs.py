"""Create repricings, adjustments, restored receipts and webhooks."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import EncryptedBody, Id, Json, UtcDateTime

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "repricings",
        sa.Column("id", Id(), nullable=False),
        sa.Column("schedule", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=128), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("after", Id(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("unpriced", Json, nullable=False),
        sa.UniqueConstraint("schedule", "version", name="uq_repricings_schedule_version"),
        sa.PrimaryKeyConstraint("id", name="pk_repricings"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_repricings_state", "repricings", ["state"])
    op.create_table(
        "adjustments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("before_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("heads", Json, nullable=False),
        sa.Column("asked_by", sa.String(length=128), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.UniqueConstraint("submission_id", "version", name="uq_adjustments_submission_version"),
        sa.PrimaryKeyConstraint("id", name="pk_adjustments"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_adjustments_state", "adjustments", ["state", "id"])
    op.create_table(
        "receipt_restorations",
        sa.Column("payment_id", Id(), nullable=False),
        sa.Column("restores", Id(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_receipt_restorations"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_table(
        "webhooks",
        sa.Column("id", Id(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("encrypted_body", EncryptedBody, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_webhooks_received_at", "webhooks", ["received_at"])


def downgrade() -> None:
    op.drop_table("webhooks")
    op.drop_table("receipt_restorations")
    op.drop_table("adjustments")
    op.drop_table("repricings")
