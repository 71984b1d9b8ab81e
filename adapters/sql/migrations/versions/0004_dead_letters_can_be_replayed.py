"""Store what a replay of dead letters and events needs."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Id, UtcDateTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

NO_SUBJECT = {"mysql": "'" + r"\0" * 16 + "'", "sqlite": "X'" + "00" * 16 + "'"}
"""A literal, because MySQL copies a table to add a column whose default is an expression."""


def upgrade() -> None:
    for column in added():
        op.add_column("dead_letters", column)
    # The arrival of older dead letters is unknown; their burial is the nearest known time.
    op.execute("UPDATE dead_letters SET arrived_at = at")
    seen = ["consumer", "state", "at", "message_id", "context", "type", "reason"]
    op.create_index("ix_dead_letters_at", "dead_letters", seen, unique=False)
    op.create_index("ix_event_log_at", "event_log", ["at", "event_id", "type"], unique=False)
    op.create_table(
        "replays",
        sa.Column("id", Id(), nullable=False),
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("send", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )


def downgrade() -> None:
    op.drop_table("replays")
    op.drop_index("ix_event_log_at", table_name="event_log")
    op.drop_index("ix_dead_letters_at", table_name="dead_letters")
    for column in reversed(added()):
        op.drop_column("dead_letters", column.name)


def added() -> list[sa.Column[Any]]:
    return [
        sa.Column("subject", Id(), server_default=sa.text(NO_SUBJECT[op.get_bind().dialect.name]), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("arrived_at", UtcDateTime(), server_default="2000-01-01 00:00:00.000000", nullable=False),
        sa.Column("request_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("traceparent", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="buried", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("handled_by", sa.String(length=64), server_default="", nullable=False),
        sa.Column("why", sa.String(length=500), server_default="", nullable=False),
    ]
