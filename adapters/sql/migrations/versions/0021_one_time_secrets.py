"""Create the one-time secrets, and give each student at most one account."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Id, UtcDateTime
from core.kernel.errors import Conflict

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MAX_LISTED = 20
SEVERAL_ACCOUNTS = sa.text(
    "SELECT HEX(student_id), GROUP_CONCAT(HEX(id)) FROM accounts WHERE student_id IS NOT NULL"
    " GROUP BY student_id HAVING COUNT(*) > 1 ORDER BY student_id LIMIT :most"
)


def binary(length: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length), "mysql")


def upgrade() -> None:
    refuse_several_accounts()
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


def refuse_several_accounts() -> None:
    """Raise `Conflict` before anything is changed: the office decides which of two accounts is the student's."""
    found = list(op.get_bind().execute(SEVERAL_ACCOUNTS, {"most": MAX_LISTED + 1}))
    if found:
        several = [f"{accounts.replace(',', ' and ')} of student {student}" for student, accounts in found[:MAX_LISTED]]
        listed = "; ".join(several) + ("; and more" if len(found) > MAX_LISTED else "")
        remedy = "disable all but one of each, set their student_id = NULL, and migrate again"
        raise Conflict(f"nothing was changed, because students have several accounts: {listed}; {remedy}")
