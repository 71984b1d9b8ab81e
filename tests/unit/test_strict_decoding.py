from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from core.kernel.errors import Invalid
from core.kernel.money import Money
from entrypoints.strict_decoding import MAX_DEPTH, decode, decode_event


@dataclass(frozen=True)
class Part:
    name: str = ""
    inner: "Part | None" = None


class Struct(msgspec.Struct):
    part: Part = Part()


@dataclass(frozen=True)
class Whole:
    one: Part | None = None
    many: Sequence[Part] = ()
    any_number: tuple[Part, ...] = ()
    pair: tuple[int, Part] = (0, Part())
    named: Mapping[str, Part] = field(default_factory=dict)
    nested: dict[str, list[Part | None]] = field(default_factory=dict)
    struct: Struct = field(default_factory=Struct)
    free: dict[str, Any] = field(default_factory=dict)
    choice: int | list[Part] = 0


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b'{"nome": 1}', "$.nome"),
        (b'{"one": {"nome": 1}}', "$.one.nome"),
        (b'{"one": {"inner": {"inner": {"nome": 1}}}}', "$.one.inner.inner.nome"),
        (b'{"many": [{}, {"nome": 1}]}', "$.many[1].nome"),
        (b'{"any_number": [{"nome": null}]}', "$.any_number[0].nome"),
        (b'{"pair": [1, {"nome": 1}]}', "$.pair[1].nome"),
        (b'{"named": {"a": {"nome": 1}}}', "$.named.a.nome"),
        (b'{"nested": {"a": [null, {"nome": 1}]}}', "$.nested.a[1].nome"),
        (b'{"struct": {"part": {"nome": 1}}}', "$.struct.part.nome"),
        (b'{"choice": [{"nome": 1}]}', "$.choice[0].nome"),
    ],
)
@pytest.mark.parametrize("read", [decode, decode_event])
def test_an_unknown_field_is_refused_wherever_it_is(read: Any, body: bytes, at: str) -> None:
    with pytest.raises(Invalid, match="unknown field 'nome'") as refused:
        read(body, Whole)
    assert refused.value.at == at


def test_known_fields_are_decoded_wherever_they_are() -> None:
    body = b'{"one": {"name": "a"}, "many": [{"name": "b"}], "nested": {"c": [null, {}]}, "free": {"x": {"y": [1e5]}}}'

    found = decode(body, Whole)

    assert (found.one, list(found.many), found.nested) == (Part("a"), [Part("b")], {"c": [None, Part()]})
    assert found.free == {"x": {"y": [100_000.0]}}


@pytest.mark.parametrize(
    "body",
    [
        b'{"one": null, "one": {}}',
        b'{"many": [{"name": "a", "name": "a"}]}',
        b'{"free": {"x": 1, "\\u0078": 2}}',
        b'{"a": [[{"b": "c\\":", "b" :2}]]}',
        b'{"a\\":": 1, "a\\":": 1}',
        b'[{"a": 1, "a": 2}, 3]',
    ],
)
def test_a_field_that_is_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="is given twice"):
        decode(body, Whole)


@pytest.mark.parametrize(
    "body", [b'{"a": "b\\":"}', b'{"a": {"a": {"a": 1}}}', b'{"a": [{"b": 1}, {"b": 2}], "n": %b}' % (b"9" * 300)]
)
def test_equal_names_of_different_objects_are_no_fault(body: bytes) -> None:
    decode(body, dict)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b"NaN", b"1" * 5_000])
def test_what_is_no_json_is_no_traceback(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(body, Whole)


def nested(depth: int, kind: str) -> bytes:
    begin, end = {"list": ("[", "]"), "object": ('{"a":', "}")}[kind]
    return f'{{"free": {{"x": {begin * depth}1{end * depth}}}}}'.encode()


@pytest.mark.parametrize("kind", ["list", "object"])
def test_the_depth_of_json_has_a_limit_far_below_that_of_python(kind: str) -> None:
    """Between 300 and 1,000 levels a decoder works, and functions that call themselves do not."""
    decode(nested(MAX_DEPTH - 2, kind), Whole)
    for depth in (MAX_DEPTH - 1, 300, 500, 700, 950, 990, 1_000, 5_000, 100_000):
        with pytest.raises(msgspec.DecodeError, match="nested more than 64 levels deep"):
            decode(nested(depth, kind), Whole)


def test_brackets_in_a_text_are_no_depth() -> None:
    assert decode(b'{"free": {"x": "' + b"[{" * 1_000 + b'"}}', Whole).free["x"] == "[{" * 1_000
    assert decode(b"[" + b"{}," * 1_000 + b"{}]", list[Any])[0] == {}


def test_a_field_that_is_given_twice_is_found_among_a_hundred_thousand() -> None:
    """Comparing each name with each other one would take minutes."""
    names = ",".join(f'"{number}":1' for number in range(100_000))
    with pytest.raises(Invalid, match="'z' is given twice"):
        decode(f'{{"free":{{{names},"z":1,"z":2}}}}'.encode(), Whole)


@pytest.mark.parametrize(
    "number", ["9" * 5_000, "1e400", "-1e400", "1e308", "1e22", "NaN", "Infinity", "1.5"], ids=lambda each: each[:9]
)
def test_a_number_that_is_no_exact_integer_is_refused(number: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(f'{{"pair": [{number}, {{}}]}}'.encode(), Whole)


@pytest.mark.parametrize("number", ["9" * 19, "9" * 100, "9" * 4_299, "-" + "9" * 100])
def test_an_integer_of_any_length_stays_what_it_is(number: str) -> None:
    assert decode(f'{{"pair": [{number}, {{}}]}}'.encode(), Whole).pair[0] == int(number)


@pytest.mark.parametrize(
    ("body", "kind", "at"),
    [
        (b'{"minor": 1, "currency": "x"}', Money, "$.currency"),
        (b'[{"minor": 1, "currency": "x"}]', Sequence[Money], "$[0].currency"),
        (
            b'{"fee": [{"minor": %b, "currency": "INR"}]}' % (b"9" * 100),
            Mapping[str, Sequence[Money]],
            "$[...][0].minor",
        ),
    ],
)
def test_a_refused_field_is_named_by_its_path_from_the_body(body: bytes, kind: Any, at: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body, kind)

    assert refused.value.at == at
