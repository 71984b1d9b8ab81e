"""Create the links of accounts with identities at identity providers, and the pending sign-ins."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DIGEST = sa.LargeBinary(length=32).with_variant(mysql.BINARY(32), "mysql")


def upgrade() -> None:
    op.create_table(
        "identity_links",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("account", Id(), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identity_links"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_identity_links_account", "identity_links", ["account"])
    op.create_table(
        "pending_sign_ins",
        sa.Column("state_digest", DIGEST, nullable=False),
        sa.Column("browser_digest", DIGEST, nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("account", Id(), nullable=True),
        sa.Column("session", Id(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_digest"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_pending_sign_ins_at", "pending_sign_ins", ["at"])


def downgrade() -> None:
    for name in ("pending_sign_ins", "identity_links"):
        op.drop_table(name)
