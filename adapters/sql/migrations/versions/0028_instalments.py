"""Let a fee have instalments, and fine each of them for itself."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.sql.engine.types import Json

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    # NULL and 1: one instalment, of the whole charge, as processes of the version before store fees.
    op.add_column("fee_accounts", sa.Column("instalments", Json))
    op.add_column("fines", sa.Column("instalment", sa.SmallInteger(), server_default="1", nullable=False))
    op.create_index(
        "uq_fines_instalment_rule_day", "fines", ["submission_id", "instalment", "rule", "day"], unique=True
    )
    drop_unique("uq_fines_rule_day")


def downgrade() -> None:
    if op.get_bind().dialect.name == "mysql":
        op.create_index("uq_fines_rule_day", "fines", ["submission_id", "rule", "day"], unique=True)
    else:
        with op.batch_alter_table("fines") as table:
            table.create_unique_constraint("uq_fines_rule_day", ["submission_id", "rule", "day"])
    op.drop_index("uq_fines_instalment_rule_day", "fines")
    op.drop_column("fines", "instalment")
    op.drop_column("fee_accounts", "instalments")


def drop_unique(name: str) -> None:
    """Drop a constraint; SQLite copies the table, in which a candidate has a few rows at most."""
    if op.get_bind().dialect.name == "mysql":
        op.drop_index(name, "fines")
        return
    with op.batch_alter_table("fines") as table:
        table.drop_constraint(name, type_="unique")
