"""Create the stock views and the generations of projections."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Json, UtcDateTime

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    known = create(
        "projections",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime()),
    )
    op.bulk_insert(known, [{"name": "inventory", "live": 1, "newest": 1, "until": None}])
    create(
        "line_views",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "order_id", "sku", name="pk_line_views"),
    )
    create(
        "batch_views",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("purchased", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("eta", sa.Date()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "reference", name="pk_batch_views"),
    )
    op.create_index("ix_batch_views_sku", "batch_views", ["generation", "sku"])
    create(
        "sku_views",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("generation", "sku", name="pk_sku_views"),
    )
    op.create_index("ix_event_log_context", "event_log", ["context", "event_id"])


def downgrade() -> None:
    op.drop_index("ix_event_log_context", table_name="event_log")
    for table in ("sku_views", "batch_views", "line_views", "projections"):
        op.drop_table(table)


def create(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    """Create a table whose text columns compare byte by byte."""
    return op.create_table(name, *columns, mysql_charset="utf8mb4", mysql_collate="utf8mb4_0900_bin")
