"""Log lines get errors themselves: the log decides which of their words it may show."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("adapters", "config", "core", "entrypoints")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
TO_TEXT = {"repr", "str", "format_exc", "format_exception"}


def rendered_errors(tree: ast.Module) -> Iterator[str]:
    """Yield each log call that turns a caught error into text by itself."""
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        for call in (node for node in ast.walk(handler) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS:
                parts = [
                    part for value in (*call.args, *(each.value for each in call.keywords)) for part in ast.walk(value)
                ]
                if any(names_error(part, handler.name) for part in parts):
                    yield ast.unparse(call)


def names_error(part: ast.AST, error: str | None) -> bool:
    """Tell whether an expression is the text of an error."""
    if isinstance(part, ast.Call):
        called = part.func.id if isinstance(part.func, ast.Name) else getattr(part.func, "attr", "")
        return called in TO_TEXT and any(isinstance(each, ast.Name) and each.id == error for each in part.args)
    return isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id == error


def test_no_log_line_turns_an_error_into_text() -> None:
    files = [file for package in PACKAGES for file in Path(package).rglob("*.py")]
    found = {str(file): [*rendered_errors(ast.parse(file.read_text(encoding="utf-8")))] for file in files}

    assert len(files) > 300
    assert not {name: calls for name, calls in found.items() if calls}


@pytest.mark.parametrize("planted", ["error=repr(error)", "reason=str(error)", "text=f'it failed: {error}'"])
def test_a_planted_text_is_found(planted: str) -> None:
    [found] = rendered_errors(
        ast.parse(f"try:\n    act()\nexcept ValueError as error:\n    log.warning('x', {planted})")
    )

    assert planted.partition("=")[0] in found
