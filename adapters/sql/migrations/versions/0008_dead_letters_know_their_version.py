"""Store the data version of dead letters, so that a later program version can replay newer ones."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("dead_letters", sa.Column("data_version", sa.BigInteger(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("dead_letters", "data_version")
