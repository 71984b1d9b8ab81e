import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "core").rglob("*.py"))
IO = {"socket", "ssl", "subprocess", "http", "urllib", "sqlite3", "smtplib", "shutil", "tempfile", "logging"}
"""Impure modules of the standard library; `asyncio` is allowed for waiting, `io` and `csv` for text."""


def imported(source: str) -> Iterator[str]:
    """Return the packages that a module imports, at any level."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "a relative import" if node.level else (node.module or "").partition(".")[0]


def impurities(source: str) -> set[str]:
    """Return the violations in a module: foreign packages, I/O, and the system clock."""
    found = set(imported(source)) - (sys.stdlib_module_names | {"core"}) | set(imported(source)) & IO
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in {"open", "print", "input", "eval", "exec", "__import__", "float"}:
            found.add(node.id)
        if isinstance(node, ast.Attribute) and node.attr in {
            "now",
            "utcnow",
            "today",
            "uuid4",
            "uuid7",
            "import_module",
        }:
            owner = ast.unparse(node.value)
            if owner in {"datetime", "date", "uuid", "importlib"}:
                found.add(f"{owner}.{node.attr}")
    return found


def test_the_core_imports_only_python_and_itself() -> None:
    allowed = {"float"}  # `float` is allowed as a type, in seconds and in probabilities, but never for money
    found = {str(module.relative_to(ROOT)): impurities(module.read_text()) - allowed for module in CORE}
    assert {module: faults for module, faults in found.items() if faults} == {}


def test_no_fee_is_ever_a_float() -> None:
    modules = sorted((ROOT / "core/fees").rglob("*.py"))
    assert modules
    for module in modules:
        tree = ast.parse(module.read_text())
        divisions = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
        floats = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]

        assert "float" not in impurities(module.read_text()), module
        assert (divisions, floats) == ([], []), module


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import sqlalchemy", "sqlalchemy"),
        ("from msgspec import json", "msgspec"),
        ("def late():\n    import litestar.di", "litestar"),
        ("if TYPE_CHECKING:\n    import adapters.memory", "adapters"),
        ("from . import sibling", "a relative import"),
        ("import socket", "socket"),
        ("content = open('file')", "open"),
        ("at = datetime.now(UTC)", "datetime.now"),
    ],
)
def test_an_impurity_is_found(planted: str, found: str) -> None:
    assert found in impurities(planted)


def test_there_is_a_core() -> None:
    assert len(CORE) > 40
