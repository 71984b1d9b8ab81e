"""The table of one-time secrets."""

from sqlalchemy import Column, Index, SmallInteger, String

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, UtcDateTime
from adapters.sql.identity.session_tables import Digest, Sealed

one_time_secrets = table(
    "one_time_secrets",
    Column("id", Id, primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("holder", Id),
    Column("digest", Digest, nullable=False),
    Column("sealed", Sealed, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_one_time_secrets_expires_at", "expires_at"),
    Index("ix_one_time_secrets_holder", "holder"),
)
