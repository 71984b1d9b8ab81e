"""Every read of the SQL adapters is in the table that says which server answers it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/read-replicas.md").read_text()
ROWS = re.findall(r"^\| (`Sql[^|]*) \| (primary|replica) \| ([^|]+) \|$", PAGE, re.MULTILINE)
TARGETS = {name: target for names, target, _ in ROWS for name in re.findall(r"`(\w+(?:\.\w+)?)`", names)}
READS = {"reading": "primary", "browsing": "replica", "snapshot": "replica"}
"""How an adapter gets a connection for reads, and the server that may answer."""


def reads(source: str) -> Iterator[tuple[str, str, str]]:
    """Yield class, method and target of each read."""
    for adapter in ast.parse(source).body:
        methods = adapter.body if isinstance(adapter, ast.ClassDef) else []
        for method in methods:
            if not isinstance(method, ast.AsyncFunctionDef):
                continue
            for call in (each.func for each in ast.walk(method) if isinstance(each, ast.Call)):
                name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
                if name in READS and isinstance(adapter, ast.ClassDef):
                    yield adapter.name, method.name, READS[name]


def unclassified(source: str) -> list[str]:
    """Return the reads that the table has not, or with another target."""
    return [
        f"{adapter}.{method}: {target}"
        for adapter, method, target in reads(source)
        if TARGETS.get(f"{adapter}.{method}", TARGETS.get(adapter)) != target
    ]


def sources() -> list[str]:
    every = (ROOT / "adapters/sql").rglob("*.py")
    return [path.read_text() for path in every if not {"engine", "migrations"} & set(path.parts)]


def test_every_read_is_in_the_table() -> None:
    assert [each for source in sources() for each in unclassified(source)] == []


def test_every_row_of_the_table_is_a_read() -> None:
    known = [read for source in sources() for read in reads(source)]

    assert sorted(set(TARGETS) - {read[0] for read in known} - {".".join(read[:2]) for read in known}) == []


def test_a_read_that_is_missing_is_found() -> None:
    planted = "class SqlOffices:\n    async def all(self):\n        async with self._database.reading(): ...\n"
    moved = "class SqlAnswers:\n    async def _find(self):\n        async with browsing(self._database): ...\n"

    assert unclassified(planted) == ["SqlOffices.all: primary"]
    assert unclassified(moved) == ["SqlAnswers._find: replica"]
