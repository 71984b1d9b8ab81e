"""Find the receipts of a schedule."""

from collections.abc import Sequence

from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_receipts_schedule", "receipts", ["schedule", "series", "year", "number"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_receipts_schedule", table_name="receipts")
