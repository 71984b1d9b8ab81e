"""The tables of links with identities and of pending sign-ins."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, String
from sqlalchemy.dialects import mysql

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, UtcDateTime

Digest = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql")

identity_links = table(
    "identity_links",
    Column("issuer", String(255)),
    Column("subject", String(255)),
    Column("account", Id, nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("issuer", "subject", name="pk_identity_links"),
    Index("ix_identity_links_account", "account"),
)
pending_sign_ins = table(
    "pending_sign_ins",
    Column("state_digest", Digest, primary_key=True),
    Column("browser_digest", Digest, nullable=False),
    Column("provider", String(32), nullable=False),
    Column("account", Id),
    Column("session", Id),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_pending_sign_ins_at", "at"),
)
