"""Each table either follows from the event log, or is a source that says why; the page of rebuilds lists both."""

import re
from pathlib import Path

from adapters.sql.ledger.tables import daily_sums, unsummed_postings
from adapters.sql.projected_tables import PROJECTED_TABLES
from adapters.sql.schema import metadata
from entrypoints.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs/how-to/rebuild-from-the-event-log.md"
LINE = re.compile(r"^\| `(\w+)` \| (derived|source) \| (.+) \|$", re.MULTILINE)
SUMS = {daily_sums.name, unsummed_postings.name}
"""What is derived from postings."""


def unlisted(page: str) -> set[str]:
    """Return the tables that a page does not list exactly once."""
    listed = [name for name, _, _ in LINE.findall(page)]
    return {
        name for name in metadata.tables.keys() | set(listed) if listed.count(name) != 1 or name not in metadata.tables
    }


def test_every_table_is_derived_or_a_source() -> None:
    assert unlisted(PAGE.read_text(encoding="utf-8")) == set()


def test_what_is_called_derived_is_what_a_projection_rebuilds() -> None:
    derived = {name for name, kind, _ in LINE.findall(PAGE.read_text(encoding="utf-8")) if kind == "derived"}

    assert derived == {table.name for each in PROJECTED_TABLES.values() for table in each.tables} | SUMS
    assert PROJECTED_TABLES.keys() == ROUTES.folds.keys()


def test_a_table_in_neither_list_is_found() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert unlisted(page.replace("| `waivers` | source |", "| `waivers` | perhaps |")) == {"waivers"}
    assert unlisted(f"{page}\n| `of_nothing` | source | x |\n") == {"of_nothing"}
