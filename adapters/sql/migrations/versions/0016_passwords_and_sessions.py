"""Create what signing in stores: passwords, sessions, and the keys that sign access tokens."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from adapters.sql.engine.types import Id, Json, UtcDateTime

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DIGEST = sa.LargeBinary(length=32).with_variant(mysql.VARBINARY(32), "mysql")
SEALED = sa.LargeBinary(length=1024).with_variant(mysql.VARBINARY(1024), "mysql")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", Id(), nullable=False),
        sa.Column("account", Id(), nullable=False),
        sa.Column("methods", sa.String(length=64), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("previous_digest", DIGEST, nullable=False),
        sa.Column("sealed", SEALED, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.create_table(
        "passwords",
        sa.Column("account", Id(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=255), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("link_digest", DIGEST, nullable=True),
        sa.Column("link_expires_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("account", name="pk_passwords"),
        sa.UniqueConstraint("login", name="uq_passwords_login"),
        sa.UniqueConstraint("link_digest", name="uq_passwords_link"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("public", Json, nullable=False),
        sa.Column("private", SEALED, nullable=False),
        sa.Column("signs_from", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kid"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )


def downgrade() -> None:
    for name in ("signing_keys", "passwords", "sessions"):
        op.drop_table(name)
