"""Strict decoding of JSON into the core's types, the same for every transport: nothing ignored or coerced."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from json import JSONDecoder
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from core.kernel.errors import CoreError, Invalid

T = TypeVar("T")
MAX_EXACT_FLOAT = 2.0**53
"""A decoder returns the nearest float for an integer of more than 64 bits."""
MAX_DEPTH = 64
"""Lists and objects inside each other, far below the recursion that Python allows."""
TOO_DEEP = f"the JSON is nested more than {MAX_DEPTH} levels deep"
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Reads every byte once, also of a text without end."""
TO_STEPS, NO_BRACKETS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff"), bytes({*range(256)} - {*b"[{]}"})
"""A step is a signed byte: one level deeper, or one less."""
NESTED = dict, list
"""What can contain fields; a union would be built for each value."""
PATH_BEGINS = " - at `"
"""Before the path in an error of msgspec."""
END_OF_NAME = re.compile(rb'"[ \t\r\n]*:')
"""Ends every name of a member; it also matches inside of some strings."""


def decode(body: bytes, kind: type[T]) -> T:
    """Decode JSON of another program; raise as `convert` does, also for a field that occurs twice."""
    document = parse(body)
    refuse_repeated_fields(body, document)
    return convert(document, kind)


def decode_event(body: bytes, kind: type[T]) -> T:
    """Decode JSON of this program; a form with more fields has a newer data version, so none of them is unknown."""
    try:
        event = msgspec.json.decode(body, type=kind)
    except RecursionError as error:
        raise msgspec.DecodeError(TOO_DEEP) from error
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error
    if msgspec.json.encode(event) != body:  # it has other fields or formatting; the search takes five times as long
        refuse_unknown_fields(parse(body), type_of(kind), "$")  # type: ignore[arg-type]  # a class is hashable
    return event


def parse(body: bytes) -> Any:
    """Parse JSON; raise `msgspec.MsgspecError` for everything that is none, or is nested too deeply."""
    refuse_depth(body)
    try:
        return msgspec.json.decode(body)
    except RecursionError as error:
        raise msgspec.DecodeError(TOO_DEEP) from error
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error


def refuse_depth(body: bytes) -> None:
    """Raise `msgspec.DecodeError` for JSON on which functions that call themselves could not work."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    steps = STRING.sub(b"", body).translate(TO_STEPS, NO_BRACKETS)
    if max(accumulate(memoryview(steps).cast("b")), default=0) > MAX_DEPTH:
        raise msgspec.DecodeError(TOO_DEEP)


def convert(document: Any, kind: type[T]) -> T:
    """Convert parsed JSON; raise `Invalid` for an unknown field, what the type raises, or `msgspec.MsgspecError`."""
    refuse_unknown_fields(document, type_of(kind), "$")  # type: ignore[arg-type]  # a class is hashable
    try:
        return construct(document, kind)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
    return construct(with_integers(document), kind)


def construct(document: Any, kind: type[T]) -> T:
    """Convert parsed JSON; raise the refusal of the type itself instead of the error that msgspec makes of it."""
    try:
        return msgspec.convert(document, kind, str_keys=True)
    except msgspec.ValidationError as error:
        if not isinstance(refusal := error.__cause__, CoreError):
            raise
        _, nested, path = str(error).rpartition(PATH_BEGINS)
        if nested:  # the path of the refusal begins at the object that refused
            refusal.at = path.rstrip("`") + (refusal.at or "$").removeprefix("$")
    try:
        raise refusal  # outside of the handler: the two errors would refer to each other
    finally:
        del refusal  # as would the error and this frame: for a file of bad rows, that fills the memory


def refuse_unknown_fields(document: Any, kind: inspect.Type, at: str) -> None:
    """Raise `Invalid` with the path of the first field that no type has, however deep in lists and objects it is."""
    match kind:
        case inspect.DataclassType() | inspect.StructType() if isinstance(document, dict):
            known = members(kind.cls)
            for name, value in document.items():
                if name not in known:
                    raise Invalid(f"unknown field {name[:40]!r}", at=f"{at}.{name[:40]}")
                if isinstance(value, NESTED):
                    refuse_unknown_fields(value, known[name], f"{at}.{name}")
        case inspect.DictType() if isinstance(document, dict):
            for name, value in document.items():
                refuse_unknown_fields(value, kind.value_type, f"{at}.{str(name)[:40]}")
        case inspect.ListType() | inspect.VarTupleType() if isinstance(document, list):
            for index, value in enumerate(document):
                if isinstance(value, NESTED):
                    refuse_unknown_fields(value, kind.item_type, f"{at}[{index}]")
        case inspect.TupleType() if isinstance(document, list):
            for index, (value, item) in enumerate(zip(document, kind.item_types, strict=False)):
                refuse_unknown_fields(value, item, f"{at}[{index}]")
        case inspect.Metadata():
            refuse_unknown_fields(document, kind.type, at)
        case inspect.UnionType():
            for each in kind.types:  # msgspec refuses unions in which two of them match the same JSON
                refuse_unknown_fields(document, each, at)


def refuse_repeated_fields(body: bytes, document: Any) -> None:
    """Raise `Invalid` for an object that has a field twice, of which decoders keep different ones (RFC 8259, 4)."""
    names = len(END_OF_NAME.findall(body))
    if names == (len(document) if isinstance(document, dict) else 0):
        return  # as many names as a flat object has members, as in nearly every body
    REPETITION_DECODER.decode(body.decode())


def refuse_repetition(pairs: Sequence[tuple[str, Any]]) -> None:
    """Raise `Invalid` for the first name that occurs twice."""
    if len(dict(pairs)) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise Invalid(f"the field {twice[:40]!r} is given twice")


REPETITION_DECODER = JSONDecoder(object_pairs_hook=refuse_repetition, parse_int=len, parse_float=len)
"""Looks at names only; Python limits the digits of a number, which `len` does not convert."""


@cache
def type_of(kind: Any) -> inspect.Type:
    """Return what msgspec knows about a type."""
    return inspect.type_info(kind)


@cache
def members(kind: Any) -> Mapping[str, inspect.Type]:
    """Return the fields of a class with their types."""
    info = type_of(kind)
    assert isinstance(info, inspect.DataclassType | inspect.StructType)  # noqa: S101 - the caller has matched it
    return {each.encode_name: each.type for each in info.fields}


def with_integers(document: Any) -> Any:
    """Return a document with integers for numbers such as `3.0`, which are integers in JSON."""
    if isinstance(document, float) and document.is_integer() and abs(document) <= MAX_EXACT_FLOAT:
        return int(document)
    if isinstance(document, dict):
        return {name: with_integers(value) for name, value in document.items()}
    return [with_integers(each) for each in document] if isinstance(document, list) else document
