"""Store with each delivery the trace of the request that caused it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("request_id", sa.String(length=64), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("traceparent", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("deliveries", "traceparent")
    op.drop_column("deliveries", "request_id")
