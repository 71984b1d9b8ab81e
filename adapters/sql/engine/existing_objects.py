"""Decides whether a DDL statement that MySQL refuses had its effect before, when a migration was cut.

MySQL normalises definitions, so it is asked itself: the statement is run against a temporary table of the same name,
which hides the real one, and the two definitions are compared.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TABLE_EXISTS, NO_SUCH_TABLE, UNKNOWN_TABLE, NO_SUCH_COLUMN, NO_SUCH_KEY = 1050, 1146, 1051, 1054, 1176
DUPLICATE_COLUMN, DUPLICATE_KEY, DUPLICATE_PRIMARY_KEY, DUPLICATE_CHECK = 1060, 1061, 1068, 3822
ALREADY_DROPPED = {UNKNOWN_TABLE, 1091, 3821, 3940}
DUPLICATES = {DUPLICATE_COLUMN, DUPLICATE_KEY, DUPLICATE_PRIMARY_KEY, DUPLICATE_CHECK}

ADDS_TO = re.compile(r"\s*(?:ALTER TABLE|CREATE (?:UNIQUE |FULLTEXT )?INDEX \S+ ON)\s+`?(\w+)", re.IGNORECASE)
CREATES = re.compile(r"\s*CREATE TABLE\s+`?(\w+)", re.IGNORECASE)
DROPS_PART = re.compile(r"\s*(DROP INDEX|ALTER TABLE \S+ DROP)\b", re.IGNORECASE)
RENAMES_PART = re.compile(r"RENAME (?:COLUMN|INDEX|KEY) `?(\w+)`? TO `?(\w+)", re.IGNORECASE)
CHANGES_COLUMN = re.compile(r"(CHANGE (?:COLUMN )?)`?(\w+)`? `?(\w+)`?", re.IGNORECASE)
RENAMES_TABLE = re.compile(r"\s*(?:ALTER|RENAME) TABLE `?\w+`? (?:RENAME )?TO `?(\w+)", re.IGNORECASE)

Run = Callable[[str], Any]
"""Runs one statement on the connection of the migration, and returns its rows."""


def had_effect(run: Run, statement: str, error: Exception) -> bool:
    """Return whether the schema is already as the refused statement would make it."""
    code = error.args[0] if error.args else None
    if code == TABLE_EXISTS and (found := CREATES.match(statement)):
        return same_table(run, found[1], statement)
    if code in DUPLICATES and (found := ADDS_TO.match(statement)):
        return same_part(run, found[1], statement)
    if code in ALREADY_DROPPED:
        return "," not in statement  # of several changes in one statement the others are not known
    if code == NO_SUCH_TABLE and (found := RENAMES_TABLE.match(statement)):
        return bool(run(f"SHOW TABLES LIKE '{found[1]}'"))
    if code == NO_SUCH_TABLE:
        return bool(DROPS_PART.match(statement)) and "," not in statement  # its table was dropped after it
    if code in {NO_SUCH_COLUMN, NO_SUCH_KEY}:
        return was_renamed(run, statement)
    return False


def same_table(run: Run, table: str, statement: str) -> bool:
    """Return whether the columns of the table are those of its `CREATE TABLE`; later indexes may have been added."""
    existing = parts_of(run, table)
    run(re.sub("CREATE TABLE", "CREATE TEMPORARY TABLE", statement, count=1, flags=re.IGNORECASE))
    try:
        wanted = parts_of(run, table)
    finally:
        run(f"DROP TEMPORARY TABLE {table}")
    added = existing.keys() - wanted.keys()
    return all(existing.get(name) == line for name, line in wanted.items()) and not any(
        name.startswith("`") for name in added
    )


def same_part(run: Run, table: str, statement: str) -> bool:
    """Return whether each column, key or constraint that the statement adds exists with the same definition."""
    existing, names = parts_of(run, table), set[str]()
    options = definition(run, table)[-1]
    statement = re.sub(r"(CONSTRAINT `?\w+)(`? CHECK)", r"\1_\2", statement)  # names of checks are unique in a database

    def hide_behind_copy(parts: Mapping[str, str]) -> None:
        run(f"DROP TEMPORARY TABLE IF EXISTS {table}")
        run(f"CREATE TEMPORARY TABLE {table} ({', '.join(parts.values())} {options}")

    hide_behind_copy(existing)
    try:
        while name := duplicate(run, statement):
            names.add(name)
            hide_behind_copy({part: line for part, line in parts_of(run, table).items() if name not in line})
        wanted = {part: line.replace("_` CHECK", "` CHECK") for part, line in parts_of(run, table).items()}
    finally:
        run(f"DROP TEMPORARY TABLE IF EXISTS {table}")
    added = [line for part, line in wanted.items() if part.endswith(tuple(names)) or " CHECK " in line]
    return all(line in existing.values() for line in added)


def duplicate(run: Run, statement: str) -> str:
    """Run a statement; return the quoted name of what exists already, '' after success."""
    try:
        run(statement)
    except Exception as error:
        if error.args[0] not in DUPLICATES:
            raise
        found = re.search(r"'(\w+)'", str(error.args[1]))
        return f"`{found[1]}`" if found else "PRIMARY KEY"
    return ""


def was_renamed(run: Run, statement: str) -> bool:
    """Return whether a column or key has its new name; a changed column gets its definition again."""
    table = ADDS_TO.match(statement)
    if table and (found := RENAMES_PART.search(statement)):
        return any(f"`{found[2]}`" in name for name in parts_of(run, table[1]))
    if table and (found := CHANGES_COLUMN.search(statement)) and f"`{found[3]}`" in parts_of(run, table[1]):
        run(CHANGES_COLUMN.sub(r"\1`\3` `\3`", statement, count=1))
        return True
    return False


def definition(run: Run, table: str) -> Sequence[str]:
    """Return the lines of a table's definition: its head, one for each part, its options."""
    lines: str = run(f"SHOW CREATE TABLE {table}")[0][1]
    return lines.splitlines()


def parts_of(run: Run, table: str) -> Mapping[str, str]:
    """Return the definitions of columns, keys and constraints, as MySQL prints them, by name."""
    lines = [line.strip().rstrip(",") for line in definition(run, table)[1:-1]]
    return {name_of(line): line for line in lines}


def name_of(line: str) -> str:
    """Return the name of a part; that of a column begins with its quote."""
    if line.startswith("PRIMARY KEY"):
        return "PRIMARY KEY"
    found = re.search(r"`\w+`", line)
    assert found is not None  # noqa: S101 - MySQL quotes every name
    return found[0] if line.startswith("`") else f"{line.partition(' ')[0]} {found[0]}"
