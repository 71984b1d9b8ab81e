"""Index sessions and one-time links by the moment when they expire, to purge them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_passwords_link_expires_at", "passwords", ["link_expires_at"])


def downgrade() -> None:
    op.drop_index("ix_passwords_link_expires_at", "passwords")
    op.drop_index("ix_sessions_expires_at", "sessions")
