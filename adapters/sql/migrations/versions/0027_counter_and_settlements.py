"""Create counter payments, settlement lines and their exceptions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "counter_payments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("number_in_use", sa.String(length=80), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=128), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.UniqueConstraint("number_in_use", name="uq_counter_payments_number_in_use"),
        sa.PrimaryKeyConstraint("id", name="pk_counter_payments"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_counter_payments_state", "counter_payments", ["state", "id"])
    op.create_table(
        "settlement_lines",
        sa.Column("id", Id(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("seen_by", Id(), nullable=False),
        sa.Column("about_id", Id(), nullable=True),
        sa.Column("settlement", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("about_id", name="uq_settlement_lines_about"),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_lines"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_table(
        "settlement_exceptions",
        sa.Column("id", Id(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("bank", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about_id", Id(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_minor", sa.BigInteger(), nullable=False),
        sa.Column("settlement", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_exceptions"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_settlement_exceptions_state", "settlement_exceptions", ["state", "kind", "id"])
    op.create_index("ix_settlement_exceptions_about", "settlement_exceptions", ["about_id"])


def downgrade() -> None:
    for table in ("settlement_exceptions", "settlement_lines", "counter_payments"):
        op.drop_table(table)
