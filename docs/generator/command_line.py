"""The help of every command, as plain text of a fixed width."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from entrypoints.__main__ import open_runtime
from entrypoints.contexts import create_bursar

WIDTH_COLUMNS = 96


def commands() -> str:
    """Return a section for each command, in the order of `bursar --help`."""
    return "\n\n".join(f"## {path}\n\n```text\n{text}\n```" for path, text in _help(_root(), "bursar", None))


@cache
def command_paths() -> frozenset[str]:
    """Return the words of every command: `bursar dead-letters list`."""
    return frozenset(path for path, _ in _help(_root(), "bursar", None))


def _root() -> Any:
    return typer.main.get_command(create_bursar(open_runtime))


def _help(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    command.rich_markup_mode = None
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=WIDTH_COLUMNS, max_content_width=WIDTH_COLUMNS
    )
    lines = command.get_help(context).splitlines()
    yield context.command_path, "\n".join(line.rstrip() for line in lines)
    for child, nested in getattr(command, "commands", {}).items():
        if not nested.hidden:
            yield from _help(nested, child, context)
