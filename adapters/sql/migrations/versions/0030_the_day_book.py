"""Find the transactions of a day."""

from collections.abc import Sequence

from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_ledger_transactions_at", "ledger_transactions", ["at"])


def downgrade() -> None:
    op.drop_index("ix_ledger_transactions_at", "ledger_transactions")
