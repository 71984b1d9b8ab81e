"""Text files are UTF-8 on every machine: no call leaves the encoding to the locale."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("core", "adapters", "config", "entrypoints", "benchmarks", "docs")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PATH_METHODS = {"read_text", "write_text"}
TEXT_CALLS = {"TextIOWrapper", "fdopen", "NamedTemporaryFile", "TemporaryFile", "FileIO"}
PROCESS_FLAGS = {"text", "universal_newlines"}


def calls_in_the_encoding_of_the_locale(source: str | bytes) -> list[str]:
    """Return the calls that read or write text without naming UTF-8."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if handles_text(call) and not names_utf8(call)]


def handles_text(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "open":
        is_builtin = isinstance(call.func, ast.Name)
        position = 1 if is_builtin else 0
        given = [*call.args[position : position + 1], *(each.value for each in call.keywords if each.arg == "mode")]
        modes = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        of_a_path = "path" in ast.unparse(call.func).lower() or "file" in ast.unparse(call.func).lower()
        return not any("b" in mode for mode in modes) and (is_builtin or bool(modes) or of_a_path)
    if name in PATH_METHODS:
        return isinstance(call.func, ast.Attribute)
    return name in TEXT_CALLS or any(
        each.arg in PROCESS_FLAGS and ast.unparse(each.value) == "True" for each in call.keywords
    )


def names_utf8(call: ast.Call) -> bool:
    return any(each.arg == "encoding" and ast.unparse(each.value) == "'utf-8'" for each in call.keywords)


def test_every_text_file_is_utf8() -> None:
    found = {str(path.relative_to(ROOT)): calls_in_the_encoding_of_the_locale(path.read_bytes()) for path in MODULES}

    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "open('a.csv')",
        "open('a.csv', mode='w', newline='')",
        "Path('a.csv').open()",
        "file.open('a')",
        "file.open('r', encoding='cp1252')",
        "path.read_text()",
        "path.write_text('x', encoding='latin-1')",
        "io.TextIOWrapper(stream)",
        "subprocess.run(words, text=True)",
    ],
)
def test_a_call_that_leaves_it_to_the_locale_is_found(planted: str) -> None:
    assert len(calls_in_the_encoding_of_the_locale(planted)) == 1


@pytest.mark.parametrize(
    "harmless", ["file.open('rb')", "open('a', 'xb')", "path.read_bytes()", "breaker.open()", "session.open(url)"]
)
def test_bytes_and_other_things_that_open_are_left_alone(harmless: str) -> None:
    assert calls_in_the_encoding_of_the_locale(harmless) == []
