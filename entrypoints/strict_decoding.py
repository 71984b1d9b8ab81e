"""Strict decoding of JSON into the core's input types, the same for every transport: nothing ignored or coerced."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from core.kernel.errors import CoreError, Invalid

T = TypeVar("T")
END_OF_NAME = re.compile(rb'"[ \t\r\n]*:')
"""Ends every name of a member; it also matches inside of some strings."""


def decode(body: bytes, kind: type[T]) -> T:
    """Decode JSON; raise `Invalid` for an unknown field, what the type itself raises, or `msgspec.MsgspecError`."""
    try:
        document = msgspec.json.decode(body)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError("the JSON is too deeply nested, or not UTF-8") from error
    refuse_repeated_names(body, document)
    return convert(document, kind)


def refuse_repeated_names(body: bytes, document: Any) -> None:
    """Raise `Invalid` for an object that has a name twice, of which a decoder keeps the last (RFC 8259, section 4)."""
    names = len(END_OF_NAME.findall(body))
    if names == (len(document) if isinstance(document, dict) else 0):
        return  # as many names as a flat object has members, as in nearly every body
    try:
        json.loads(body, object_pairs_hook=unique_names, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as error:
        raise Invalid("the JSON is too deeply nested", at="$") from error


def unique_names(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object as `json` decodes it; raise `Invalid` for a name that is there twice."""
    unique = dict(members)
    if len(unique) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"the field {twice[:40]!r} is there twice", at=f"$..{twice[:40]}")
    return unique


def convert(document: Any, kind: type[T]) -> T:
    """Convert what a decoder returned; raise as `decode` does."""
    refuse_unknown_fields(document, kind, "$")
    try:
        return msgspec.convert(document, kind, str_keys=True)
    except msgspec.ValidationError as error:
        if not isinstance(refusal := error.__cause__, CoreError):
            raise
    try:
        raise refusal  # outside of the handler: the two errors would refer to each other
    finally:
        del refusal  # as would the error and this frame: for a file of bad rows, that fills the memory


def refuse_unknown_fields(document: Any, kind: Any, at: str) -> None:
    """Raise `Invalid` with the path of the first field that a dataclass does not have."""
    if not isinstance(document, dict) or not is_dataclass(kind):
        return
    known: Mapping[str, Any] = members(kind)  # type: ignore[arg-type]  # a class is hashable
    for name, value in document.items():
        if name not in known:
            raise Invalid(f"unknown field {name[:40]!r}", at=f"{at}.{name[:40]}")
        if isinstance(value, dict):
            refuse_unknown_fields(value, known[name], f"{at}.{name}")


@cache
def members(kind: Any) -> Mapping[str, Any]:
    """Return the fields of a dataclass with their types; of an optional one, the type it has where it is given."""
    hints = get_type_hints(kind)
    return {each.name: next(iter(get_args(hints[each.name])), hints[each.name]) for each in fields(kind)}
