"""Create the second factors of accounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Encrypted, Id, UtcDateTime

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DIGESTS = sa.LargeBinary(length=320).with_variant(mysql.VARBINARY(320), "mysql")


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("id", Id(), nullable=False),
        sa.Column("encrypted_secret", Encrypted, nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery_digests", DIGESTS, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_second_factors"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )


def downgrade() -> None:
    op.drop_table("second_factors")
