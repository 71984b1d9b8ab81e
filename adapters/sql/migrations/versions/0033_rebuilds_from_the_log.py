"""Keep what a rebuild needs beside an event, and lease the rebuilds of submissions and of the ledger."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Json

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

projections = sa.table(
    "projections", sa.column("name", sa.String), sa.column("live", sa.Integer), sa.column("newest", sa.Integer)
)
NAMES = ("submissions", "ledger")


def upgrade() -> None:
    op.add_column("event_log", sa.Column("kept", Json, nullable=True))
    op.bulk_insert(projections, [{"name": name, "live": 1, "newest": 1} for name in NAMES])


def downgrade() -> None:
    op.execute(sa.delete(projections).where(projections.c.name.in_(NAMES)))
    op.drop_column("event_log", "kept")
