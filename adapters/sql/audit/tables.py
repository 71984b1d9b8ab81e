"""The table of the audit chain; its records belong to every unit of work."""

from sqlalchemy import BigInteger, Column, LargeBinary, UniqueConstraint
from sqlalchemy.dialects import mysql

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id

audit_seals = table(
    "audit_seals",
    # The key makes forks impossible: of two sealers that continue from the same seal, one fails.
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", Id, nullable=False),
    Column("hash", LargeBinary(32).with_variant(mysql.BINARY(32), "mysql"), nullable=False),
    UniqueConstraint("record_id", name="uq_audit_seals_record_id"),
)
