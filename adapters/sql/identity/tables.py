"""The tables of accounts and API keys."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Insert,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql, sqlite

import adapters.sql.identity.link_tables
import adapters.sql.identity.secret_tables
import adapters.sql.identity.session_tables  # noqa: F401 - migrations and tools load this module only
from adapters.sql.engine.inserts import UPSERT
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
    UniqueConstraint("student_id", name="uq_accounts_student"),
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


NEXT_REVISION: Mapping[str, Any] = {"id": 1, "revision": 1}


def increment(dialect: Dialect) -> Insert:
    """Return the insert that increments the revision."""
    next_revision = text("credential_revision.revision + 1")
    if dialect.name == "mysql":
        return mysql.insert(credential_revision).on_duplicate_key_update(revision=next_revision)
    new = sqlite.insert(credential_revision)
    return new.on_conflict_do_update(index_elements=["id"], set_={"revision": next_revision})


credential_revision.info[UPSERT] = increment
