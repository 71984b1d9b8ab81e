"""The table of jobs: one row for each."""

from sqlalchemy import BigInteger, Column, String

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import UtcDateTime

jobs = table(
    "jobs",
    Column("name", String(64), primary_key=True),
    Column("next_at", UtcDateTime, nullable=False),
    Column("holder", String(64), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(16), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("error", String(64), nullable=False),
    Column("succeeded_at", UtcDateTime),
)
