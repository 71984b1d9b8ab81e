"""The table of the roster."""

from sqlalchemy import Column, Computed, Index, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Encrypted, Id, Json, KeyedDigest
from core.kernel.registration import MAX_REGISTRATION_LENGTH

erasures = table(
    "erasures",
    # Random and without a time: nothing leads from it to what the student left, or to the audit record.
    Column("id", Id, primary_key=True),
    Column("encrypted_registration", Encrypted, nullable=False),
    Column("registration_digest", KeyedDigest, nullable=False),
    Index("ix_erasures_registration_digest", "registration_digest"),
    encrypted={"encrypted_registration": None},
    digests={"registration_digest": "encrypted_registration"},
)

students = table(
    "students",
    Column("id", Id, primary_key=True),
    Column("registration", String(MAX_REGISTRATION_LENGTH), nullable=False),
    Column("name", String(120), nullable=False),
    Column("category", String(32), nullable=False),
    Column("country", String(2), nullable=False),
    Column("centre", String(16), nullable=False),
    Column("certificates", Json, nullable=False),
    Column("email", String(254), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("language", String(2), nullable=False),
    # The text of `email` and `phone`, which are empty unless processes of the previous version must read them.
    Column("encrypted_email", Encrypted),
    Column("encrypted_phone", Encrypted),
    Column("registration_key", String(MAX_REGISTRATION_LENGTH), Computed("lower(registration)", persisted=False)),
    UniqueConstraint("registration", name="uq_students_registration"),
    Index("uq_students_registration_key", "registration_key", unique=True),
    encrypted={"encrypted_email": "email", "encrypted_phone": "phone"},
)
