"""Create the tables of the inventory context."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, Json, UtcDateTime

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    create(
        "skus",
        sa.Column("id", Id(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("short", sa.Boolean(), nullable=False),
        sa.Column("unserved", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("name", name="uq_skus_name"),
    )
    op.create_index("ix_skus_unserved", "skus", ["unserved", "name"])
    create(
        "batches",
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("sku_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purchased", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("eta", sa.Date()),
        sa.PrimaryKeyConstraint("reference", name="pk_batches"),
        sa.CheckConstraint(
            "available >= 0 AND shipped >= 0 AND available + shipped <= purchased", name="ck_batches_conserved"
        ),
    )
    op.create_index("ix_batches_sku", "batches", ["sku_id", "available"])
    create(
        "order_lines",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("sku_id", Id(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("split", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("hold_until", UtcDateTime()),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("explanation", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "sku_id", name="pk_order_lines"),
    )
    op.create_index("ix_order_lines_queue", "order_lines", ["sku_id", "state", "place", "quantity", "split"])
    op.create_index("ix_order_lines_hold_until", "order_lines", ["hold_until"])
    create(
        "allocations",
        sa.Column("batch", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("sku_id", Id(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch", "order_id", name="pk_allocations"),
    )
    op.create_index("ix_allocations_latest", "allocations", ["batch", "state", "priority", "place"])


def downgrade() -> None:
    for table in ("allocations", "order_lines", "batches", "skus"):
        op.drop_table(table)


def create(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Create a table whose text columns compare byte by byte."""
    op.create_table(name, *columns, mysql_charset="utf8mb4", mysql_collate="utf8mb4_0900_bin")
