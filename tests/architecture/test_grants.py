"""What deploy/grants.sql withholds from the serving account is what the SQL adapters never do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from adapters.sql.schema import metadata

ROOT = Path(__file__).parents[2]
ADAPTERS = [each for each in (ROOT / "adapters/sql").rglob("*.py") if "migrations" not in each.parts]
LISTS = re.findall(r"table_name IN \(([^)]*)\) THEN '([^']*)'", (ROOT / "deploy/grants.sql").read_text())
GRANTED = {name: granted for names, granted in LISTS for name in re.findall(r"'(\w+)'", names)}
NEEDS = {"update": "UPDATE", "delete": "DELETE", "change": "UPDATE", "changed_key": "UPDATE"}
"""What a call of this name with a table as its first argument needs."""


def denied(source: str) -> Iterator[str]:
    """Yield the statements of a module that the serving account may not run."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called == "with_for_update" and "read" not in {each.arg for each in node.keywords}:
            tables = {each.id for each in ast.walk(node.func) if isinstance(each, ast.Name)}
            yield from (f"lock {name}" for name in sorted(tables) if GRANTED.get(name) == "INSERT")
        elif called in NEEDS and node.args and isinstance(node.args[0], ast.Name):
            name = node.args[0].id
            if NEEDS[called] not in GRANTED.get(name, NEEDS[called]):
                yield f"{called} {name}"


def test_every_table_with_fewer_privileges_exists() -> None:
    assert GRANTED.keys() - metadata.tables.keys() == set()
    assert GRANTED["audit_records"] == GRANTED["event_log"] == GRANTED["submissions"] == "INSERT"


def test_no_adapter_changes_what_its_account_may_only_add() -> None:
    found = {each.name: faults for each in ADAPTERS if (faults := list(denied(each.read_text())))}
    assert found == {}


def test_a_statement_that_would_be_denied_is_found() -> None:
    source = "work.change(submissions, row)\ndelete(erasures)\nselect(event_log).with_for_update()\nupdate(erasures)"
    assert sorted(denied(source)) == ["change submissions", "delete erasures", "lock event_log"]
