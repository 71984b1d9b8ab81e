"""The version of the schema, read without Alembic, whose import would slow the start of every process."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

JOURNAL = "migration_progress"
"""A table that exists only while a migration is under way, and after a cut."""
VERSIONS = Path(__file__).parents[1] / "migrations/versions"


@cache
def required_version() -> str:
    """Return the schema version that this program needs."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("0*.py"))


def current_version(connection: Connection) -> str | None:
    """Return the last migration that was run, None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def is_newer(version: str | None, newest: str) -> bool:
    """Return whether a version is one of a later program."""
    return bool(re.fullmatch(r"\d{4}", version or "")) and (version or "") > newest
