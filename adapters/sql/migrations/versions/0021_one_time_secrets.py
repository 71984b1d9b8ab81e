"""Create the one-time secrets, and give each student at most one account."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def binary(length: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length), "mysql")


def upgrade() -> None:
    op.create_table(
        "one_time_secrets",
        sa.Column("id", Id(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("holder", Id(), nullable=True),
        sa.Column("digest", binary(32), nullable=False),
        sa.Column("sealed", binary(1024), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_one_time_secrets_expires_at", "one_time_secrets", ["expires_at"])
    op.create_index("ix_one_time_secrets_holder", "one_time_secrets", ["holder"])
    with op.batch_alter_table("accounts") as accounts:
        accounts.create_unique_constraint("uq_accounts_student", ["student_id"])


def downgrade() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_constraint("uq_accounts_student", type_="unique")
    op.drop_table("one_time_secrets")
