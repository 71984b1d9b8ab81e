"""Create waivers and fines."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=True),
        sa.Column("head", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("due_before_minor", sa.BigInteger(), nullable=True),
        sa.Column("due_after_minor", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision_reason", sa.String(length=500), nullable=True),
        sa.Column("retracted_by", sa.String(length=128), nullable=True),
        sa.Column("retracted_at", UtcDateTime(), nullable=True),
        sa.Column("retraction_reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_waivers_submission", "waivers", ["submission_id"])
    op.create_index("ix_waivers_state", "waivers", ["state", "id"])
    op.create_table(
        "fines",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("fined_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.UniqueConstraint("submission_id", "rule", "day", name="uq_fines_rule_day"),
        sa.PrimaryKeyConstraint("id", name="pk_fines"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )


def downgrade() -> None:
    op.drop_table("fines")
    op.drop_table("waivers")
