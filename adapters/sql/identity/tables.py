"""The tables of accounts and API keys."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.dialects import mysql

import adapters.sql.identity.link_tables
import adapters.sql.identity.session_tables  # noqa: F401 - as above
from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json, UtcDateTime

accounts = table(
    "accounts",
    Column("id", Id, primary_key=True),
    Column("roles", Json, nullable=False),
    Column("name", String(120), nullable=False),
    Column("email", String(254), nullable=False),
    Column("centre", String(16), nullable=False),
    Column("student_id", Id),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
)

api_keys = table(
    "api_keys",
    Column("id", Id, primary_key=True),
    Column("account_id", Id, nullable=False),
    Column("name", String(64), nullable=False),
    Column("digest", LargeBinary(32).with_variant(mysql.BINARY(32), "mysql"), nullable=False),
    Column("permissions", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Index("ix_api_keys_account", "account_id", "id"),
)

credential_revision = table(
    "credential_revision",
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
"""At most one row, incremented by every change after which a kept credential may be invalid."""
