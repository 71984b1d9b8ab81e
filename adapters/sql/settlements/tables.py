"""Tables of the settlements context."""

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, UtcDateTime

settlement_lines = table(
    "settlement_lines",
    Column("id", Id, primary_key=True),
    Column("gateway", String(32), nullable=False),
    Column("seen_by", Id, nullable=False),
    Column("about_id", Id),
    Column("settlement", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("about_id", name="uq_settlement_lines_about"),
)

settlement_exceptions = table(
    "settlement_exceptions",
    Column("id", Id, primary_key=True),
    Column("gateway", String(32), nullable=False),
    Column("bank", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("about_id", Id),
    Column("name", String(255), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fees_minor", BigInteger, nullable=False),
    Column("settlement", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("why", String(500), nullable=False),
    Index("ix_settlement_exceptions_state", "state", "kind", "id"),
    Index("ix_settlement_exceptions_about", "about_id"),
)
