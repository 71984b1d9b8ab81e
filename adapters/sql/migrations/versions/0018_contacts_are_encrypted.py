"""Give contacts columns for encrypted text, and erased students a table.

MySQL adds the columns without a copy of the table, and processes of the version before write and read the plain columns
as they did: where such processes have run, contacts stay plain until `bursar encryption rotate`, also in a table that
is empty, which they may fill.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Encrypted, Id, KeyedDigest

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
WRITTEN_BEFORE = ("students", "heartbeat", "relays", "event_log", "fee_schedules")
"""A process of the version before has left a row in one of these tables."""


def has_rows(table: str) -> bool:
    return bool(op.get_bind().execute(sa.select(1).select_from(sa.table(table)).limit(1)).first())


def upgrade() -> None:
    op.add_column("students", sa.Column("encrypted_email", Encrypted, nullable=True))
    op.add_column("students", sa.Column("encrypted_phone", Encrypted, nullable=True))
    op.create_table(
        "erasures",
        sa.Column("id", Id(), nullable=False),
        sa.Column("encrypted_registration", Encrypted, nullable=False),
        sa.Column("registration_digest", KeyedDigest, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    op.create_index("ix_erasures_registration_digest", "erasures", ["registration_digest"])
    states = op.create_table(
        "column_encryption",
        sa.Column("table_name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("table_name"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_0900_bin",
    )
    state = "plain" if any(map(has_rows, WRITTEN_BEFORE)) else "encrypted"
    op.bulk_insert(states, [{"table_name": "students", "state": state}])


def downgrade() -> None:
    op.drop_table("column_encryption")
    op.drop_table("erasures")
    op.drop_column("students", "encrypted_phone")
    op.drop_column("students", "encrypted_email")
