"""Make the case-folded registration unique: `SU-1` and `su-1` are one student.

The column is derived and virtual, so that MySQL adds it without a copy of the table and builds the index while others
write; processes of the version before insert and look up as they did, and need the index on `registration` for that.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from core.kernel.errors import Conflict

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MAX_LISTED = 20
SEVERAL_SPELLINGS = sa.text(
    "SELECT GROUP_CONCAT(registration) FROM students GROUP BY LOWER(registration) HAVING COUNT(*) > 1"
    " ORDER BY MIN(registration) LIMIT :most"
)


def upgrade() -> None:
    refuse_several_spellings()
    key = sa.Column("registration_key", sa.String(32), sa.Computed("lower(registration)", persisted=False))
    op.add_column("students", key)
    op.create_index("uq_students_registration_key", "students", ["registration_key"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_students_registration_key", table_name="students")
    op.drop_column("students", "registration_key")


def refuse_several_spellings() -> None:
    """Raise `Conflict` before anything is changed: which of two students to keep is a decision of the office."""
    found = list(op.get_bind().execute(SEVERAL_SPELLINGS, {"most": MAX_LISTED + 1}).scalars())
    if found:
        listed = "; ".join(each.replace(",", " and ") for each in found[:MAX_LISTED])
        more = "; and more" if len(found) > MAX_LISTED else ""
        remedy = "rename all but one of each, as the runbook says under `Students in two spellings`, and migrate again"
        raise Conflict(f"nothing was changed, because students differ only by case: {listed}{more}; {remedy}")
