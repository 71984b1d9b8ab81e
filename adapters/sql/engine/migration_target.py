"""Reads the target of a migration, and refuses a schema that is not of this program."""

import re
from collections.abc import Sequence

from sqlalchemy import Connection, inspect

from adapters.sql.engine.lock_order import LOCK_ORDER
from adapters.sql.engine.schema_version import JOURNAL, is_newer
from core.kernel.errors import Conflict, Invalid
from core.kernel.schema import SchemaIsNewer

TARGET = re.compile(r"(?P<from>\w+)?(?P<steps>[+-]\d+)?")
BASE = -1
"""The position of an empty database."""
VERSION_TABLE = "alembic_version"


def position_of_database(connection: Connection, revisions: Sequence[str]) -> int:
    """Return the position of the schema among the revisions; raise `Conflict` for a foreign or newer schema."""
    tables = set(inspect(connection).get_table_names()) - {JOURNAL}
    others = tables - {VERSION_TABLE}
    if others and (VERSION_TABLE not in tables or others.isdisjoint(LOCK_ORDER)):
        named = ", ".join(sorted(others)[:5])
        raise Conflict(f"the database holds tables of another program ({named}): name an empty database")
    asked = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant
    known = connection.exec_driver_sql(asked) if VERSION_TABLE in tables else ()
    versions = [str(row[0]) for row in known]
    if not versions:
        return BASE
    if len(versions) == 1 and versions[0] in revisions:
        return revisions.index(versions[0])
    found = f"the schema is at {' and '.join(versions)}, and this program knows {revisions[0]} to {revisions[-1]}"
    if len(versions) == 1 and is_newer(versions[0], revisions[-1]):
        raise SchemaIsNewer(f"{found}: a newer program migrated it; use that one, or restore a backup")
    raise Conflict(f"{found}: the database belongs to another program; name another one")


def position_of_target(target: str, revisions: Sequence[str], current: int) -> int:
    """Return the position of `head`, `base`, a revision or its begin, with or without steps; or raise `Invalid`."""
    found = TARGET.fullmatch(target.strip())
    if not found or not target.strip():
        raise Invalid(f"{target!r} is no revision: give head, base, one of {', '.join(revisions)}, or steps: +1, -1")
    start = position_of_name(found["from"], revisions) if found["from"] else current
    position = start + int(found["steps"] or 0)
    if not BASE <= position < len(revisions):
        raise Invalid(
            f"{target} leaves the range from base to {revisions[-1]}: the schema is at {named(current, revisions)}"
        )
    return position


def position_of_name(name: str, revisions: Sequence[str]) -> int:
    """Return the position of a revision that is named completely or by its begin."""
    known = {"base": BASE, "head": len(revisions) - 1, "heads": len(revisions) - 1}
    if name in known:
        return known[name]
    matching = [revision for revision in revisions if revision.startswith(name)]
    if len(matching) != 1:
        why = f"fits {', '.join(matching)}" if matching else f"is none of {', '.join(revisions)}, head and base"
        raise Invalid(f"{name} {why}")
    return revisions.index(matching[0])


def named(position: int, revisions: Sequence[str]) -> str:
    """Return the name of a position."""
    return "base" if position == BASE else revisions[position]
