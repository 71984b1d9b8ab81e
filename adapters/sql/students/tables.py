"""The table of the roster."""

from sqlalchemy import Column, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json

MAX_REGISTRATION_LENGTH = 32

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
    UniqueConstraint("registration", name="uq_students_registration"),
)
