"""Let deliveries expire, and store for what a vendor is held back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import UtcDateTime

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("expires_at", UtcDateTime(), nullable=True))
    op.create_index("ix_deliveries_expiry", "deliveries", ["state", "expires_at"])
    op.add_column("vendor_standings", sa.Column("reason", sa.String(500), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("vendor_standings", "reason")
    op.drop_index("ix_deliveries_expiry", table_name="deliveries")
    op.drop_column("deliveries", "expires_at")
