"""Markdown tables, and the documentation of fields as it stands in the source."""

import inspect
import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

SCALARS: Mapping[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "text, base64",
    UUID: "UUID",
    date: "date",
    datetime: "date and time",
    type(None): "none",
}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a pipe or a line break within a cell does not end the cell."""
    lines = [list(heads), ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(each) for each in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code; empty text stays empty."""
    return f"`{text}`" if text else ""


def summary(kind: type) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())


def type_text(kind: Any) -> str:
    """Return a type as the reader of a document writes its values."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return ", ".join(code(str(each)) for each in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(type_text(each) for each in arguments)
    if isinstance(kind, NewType):
        return type_text(kind.__supertype__)
    if origin in (tuple, frozenset, list):
        return f"list of {type_text(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"object of {type_text(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(code(str(each.value)) for each in kind)
    return f"[`{kind.__name__}`](#{kind.__name__.lower()})"
