"""Let two dispatchers store attempts of one delivery: the first may resume after its lease expired."""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    key_of_attempts("delivery_id", "at", "number")


def downgrade() -> None:
    key_of_attempts("delivery_id", "number")


def key_of_attempts(*columns: str) -> None:
    """Replace the primary key; MySQL does it in one statement."""
    if op.get_bind().dialect.name == "mysql":
        op.execute(f"ALTER TABLE delivery_attempts DROP PRIMARY KEY, ADD PRIMARY KEY ({', '.join(columns)})")
        return
    with op.batch_alter_table("delivery_attempts") as table:
        table.drop_constraint("pk_delivery_attempts", type_="primary")
        table.create_primary_key("pk_delivery_attempts", list(columns))
