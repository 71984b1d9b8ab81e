"""Keep a fingerprint of each message next to its id in the inbox."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    # Nullable and last, so that MySQL adds it without a copy of the table, and processes of the version before can
    # insert rows.
    op.add_column("inbox", sa.Column("fingerprint", sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql")))


def downgrade() -> None:
    op.drop_column("inbox", "fingerprint")
