"""The tables of sessions, passwords, second factors and signing keys."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, UniqueConstraint
from sqlalchemy.dialects import mysql

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Encrypted, Id, Json, UtcDateTime

Digest = LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql")
Sealed = LargeBinary(1024).with_variant(mysql.VARBINARY(1024), "mysql")

sessions = table(
    "sessions",
    Column("id", Id, primary_key=True),
    Column("account", Id, nullable=False),
    Column("methods", String(64), nullable=False),
    Column("proved_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("address", String(64), nullable=False),
    Column("device", String(200), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("previous_digest", Digest, nullable=False),
    Column("sealed", Sealed, nullable=False),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_ended_at", "ended_at"),
    Index("ix_sessions_expires_at", "expires_at"),
)
passwords = table(
    "passwords",
    Column("account", Id),
    Column("login", String(64), nullable=False),
    Column("hash", String(255), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("link_digest", Digest),
    Column("link_expires_at", UtcDateTime),
    PrimaryKeyConstraint("account", name="pk_passwords"),
    UniqueConstraint("login", name="uq_passwords_login"),
    UniqueConstraint("link_digest", name="uq_passwords_link"),
    Index("ix_passwords_link_expires_at", "link_expires_at"),
)
second_factors = table(
    "second_factors",
    Column("id", Id),  # of the account
    Column("encrypted_secret", Encrypted, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("last_step", BigInteger, nullable=False),
    # One after another, each of 32 bytes.
    Column("recovery_digests", LargeBinary(320).with_variant(mysql.VARBINARY(320), "mysql"), nullable=False),
    PrimaryKeyConstraint("id", name="pk_second_factors"),
    encrypted={"encrypted_secret": None},
)
signing_keys = table(
    "signing_keys",
    Column("kid", String(64), primary_key=True),
    Column("public", Json, nullable=False),
    Column("private", Sealed, nullable=False),
    Column("signs_from", UtcDateTime, nullable=False),
)
