"""Strict decoding of JSON into the core's input types, the same for every transport: nothing ignored or coerced."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from core.kernel.errors import CoreError, Invalid

T = TypeVar("T")


def decode(body: bytes, kind: type[T]) -> T:
    """Decode JSON; raise `Invalid` for an unknown field, what the type itself raises, or `msgspec.MsgspecError`."""
    try:
        document = msgspec.json.decode(body)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError("the JSON is too deeply nested, or not UTF-8") from error
    return convert(document, kind)


def convert(document: Any, kind: type[T]) -> T:
    """Convert what a decoder returned; raise as `decode` does."""
    refuse_unknown_fields(document, kind, "$")
    try:
        return msgspec.convert(with_integers(document), kind, str_keys=True)
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


def with_integers(document: Any) -> Any:
    """Return a document with integers for numbers such as `3.0`, which are integers in JSON."""
    if isinstance(document, float) and document.is_integer():
        return int(document)
    if isinstance(document, dict):
        return {name: with_integers(value) for name, value in document.items()}
    return [with_integers(each) for each in document] if isinstance(document, list) else document
