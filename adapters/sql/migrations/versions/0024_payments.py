"""Create fee accounts with their orders, payments and refunds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, Json, UtcDateTime

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "fee_accounts",
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("student_id", Id(), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("charged_minor", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", UtcDateTime(), nullable=True),
        sa.Column("fine_terms", Json, nullable=True),
        sa.Column("fine_at", UtcDateTime(), nullable=True),
        sa.Column("remind_at", UtcDateTime(), nullable=True),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("reference", name="uq_fee_accounts_reference"),
        sa.PrimaryKeyConstraint("submission_id", name="pk_fee_accounts"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_fee_accounts_schedule", "fee_accounts", ["schedule", "cleared", "submission_id"])
    op.create_index("ix_fee_accounts_fine_at", "fee_accounts", ["fine_at", "submission_id"])
    op.create_index("ix_fee_accounts_remind_at", "fee_accounts", ["remind_at", "submission_id"])
    op.create_table(
        "payment_orders",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("gateway_order", sa.String(length=255), nullable=False),
        sa.Column("checkout", Json, nullable=False),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.Column("checks", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_orders"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_payment_orders_submission", "payment_orders", ["submission_id"])
    op.create_index("ix_payment_orders_gateway_order", "payment_orders", ["gateway", "gateway_order"])
    op.create_index("ix_payment_orders_check_at", "payment_orders", ["check_at", "submission_id"])
    op.create_index("ix_payment_orders_state", "payment_orders", ["state", "opened_at", "gateway"])
    op.create_table(
        "payments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("gateway_payment", sa.String(length=255), nullable=False),
        sa.Column("order_id", Id(), nullable=True),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("gateway", "gateway_payment", name="uq_payments_gateway_payment"),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_payments_submission", "payments", ["submission_id"])
    op.create_table(
        "refunds",
        sa.Column("id", Id(), nullable=False),
        sa.Column("submission_id", Id(), nullable=False),
        sa.Column("payment_id", Id(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("reserved_at", UtcDateTime(), nullable=False),
        sa.Column("gateway_refund", sa.String(length=255), nullable=False),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.Column("checks", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_refunds_submission", "refunds", ["submission_id"])
    op.create_index("ix_refunds_check_at", "refunds", ["check_at", "submission_id"])
    op.create_index("ix_refunds_stage", "refunds", ["stage", "id"])
    op.create_index("ix_refunds_gateway_refund", "refunds", ["gateway_refund"])
    op.create_index("ix_payments_paid_at", "payments", ["gateway", "paid_at", "id"])


def downgrade() -> None:
    for table in ("refunds", "payments", "payment_orders", "fee_accounts"):
        op.drop_table(table)
